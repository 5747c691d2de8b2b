using System.Runtime.InteropServices;

namespace CollectivesSharp;

internal sealed unsafe partial class MpiHostCommunicator
{
    /// <summary>How often a rank looks for a peer's last word, before it comes to a verdict of its own.</summary>
    private const int LastWordLooks = 50;

    private readonly ControlBuffers _control;

    /// <summary>The first cause wins, here and on whomever it reaches first.</summary>
    private void Raise(MpiCause cause)
    {
        if (!TrySetCause(cause))
            return;
        try
        {
            lock (MpiRuntime.Lock)
            {
                MpiControl* message = _control.Out(_rank);
                *message = new MpiControl { Generation = _generation, Kind = (int)cause.Kind, Subject = cause.Subject, By = cause.By, Text = cause.Text };
                for (int peer = 0; peer < _members.Length; peer++)
                {
                    if (peer != _rank && !(cause.Kind == AbortWord.Kind.ProcessEnded && peer == cause.Subject))
                        _control.Requests.Send(peer, message, (nuint)sizeof(MpiControl), _members[peer].Rank, _tags.Control);
                }
            }
        }
        catch (MpiException)
        {
            // The peers will find out by themselves.
            MpiRuntime.MarkBroken();
        }
    }

    private bool TrySetCause(MpiCause cause)
    {
        if (Interlocked.CompareExchange(ref _cause, cause, null) is not null)
            return false;
        if (cause.Kind == AbortWord.Kind.ProcessEnded)
            MpiRuntime.MarkBroken();
        if (cause.Kind == AbortWord.Kind.Silent)
            MpiRuntime.MarkDoubtful();
        return true;
    }

    /// <summary>Tells all peers that this rank takes part in nothing more.</summary>
    private void Farewell()
    {
        try
        {
            lock (MpiRuntime.Lock)
            {
                for (int peer = 0; peer < _members.Length && _cause is null; peer++)
                {
                    if (peer == _rank)
                        continue;
                    MpiControl* message = _control.Out(peer);
                    *message = new MpiControl { Generation = _generation, Kind = (int)AbortWord.Kind.Left, Subject = _rank, By = _rank, Sequence = _sequence, Messages = _messages.Sent[peer] };
                    _control.Requests.Send(_members.Length + peer, message, (nuint)sizeof(MpiControl), _members[peer].Rank, _tags.Control);
                }
            }
        }
        catch (MpiException)
        {
            MpiRuntime.MarkBroken();
        }
    }

    /// <summary>Takes in what peers have said about the group's end. Wants the lock.</summary>
    private void ReadControl()
    {
        while (MpiProbe.Look(_tags.Control, out int source, out nuint bytes))
        {
            MpiControl* message = _control.Receive(source, Math.Min(bytes, (nuint)sizeof(MpiControl)), _tags.Control);
            if (message->Generation != _generation || bytes < (nuint)sizeof(MpiControl))
                continue;
            AbortWord.Kind kind = (AbortWord.Kind)message->Kind;
            if (kind == AbortWord.Kind.Left && message->Subject == message->By)
                _control.SetLeft(Math.Clamp(message->By, 0, _members.Length - 1), message->Sequence, message->Messages);
            else
                TrySetCause(new MpiCause(kind, message->Subject, message->By, message->Text));
        }
    }

    /// <summary>MPI refused a call. A peer that is gone is often why, and may have said more before it went.</summary>
    private CollectiveException Failed(MpiException e)
    {
        MpiRuntime.MarkBroken();
        try
        {
            for (int look = 0; look < LastWordLooks && _cause is null; look++)
            {
                lock (MpiRuntime.Lock)
                    ReadControl();
                Thread.Yield();
            }
        }
        catch (MpiException)
        {
            // Then the first error stands.
        }

        Raise(new MpiCause(AbortWord.Kind.Requested, _rank, _rank, e.Message));
        return CreateFault(_cause!);
    }

    private void OnProcessEnded(int index)
    {
        try
        {
            // A farewell, or an abort that says more than this end, may still be on its way through MPI.
            for (int look = 0; look < LastWordLooks; look++)
            {
                lock (MpiRuntime.Lock)
                {
                    if (_disposed)
                        return;
                    ReadControl();
                    if (_cause is not null || _control.Left(index))
                        return;
                }

                Thread.Yield();
            }

            Raise(new MpiCause(AbortWord.Kind.ProcessEnded, index, _rank, ""));
        }
        catch (MpiException)
        {
            Raise(new MpiCause(AbortWord.Kind.ProcessEnded, index, _rank, ""));
        }
    }

    /// <summary>Memory for one abort, one farewell to each peer and one message that comes in. All members want the lock.</summary>
    private sealed class ControlBuffers : IDisposable
    {
        private readonly MpiControl* _messages;
        private readonly MpiRequests _incoming = new(1);
        private readonly long[] _lastCall;
        private readonly long[] _sentMessages;
        private readonly int _ranks;

        internal ControlBuffers(int ranks)
        {
            _ranks = ranks;
            _messages = (MpiControl*)NativeMemory.AllocZeroed((nuint)ranks + 1, (nuint)sizeof(MpiControl));
            Requests = new MpiRequests(2 * ranks);
            _sentMessages = new long[ranks];
            _lastCall = new long[ranks];
            Array.Fill(_lastCall, long.MaxValue);
        }

        /// <summary>The abort to each rank, then the farewell to each.</summary>
        internal MpiRequests Requests { get; }

        /// <summary>The own rank's: the abort. A farewell after an abort is not sent, so the buffers of both never meet.</summary>
        internal MpiControl* Out(int rank) => _messages + rank;

        internal MpiControl* Receive(int source, nuint bytes, int tag)
        {
            MpiControl* message = _messages + _ranks;
            _incoming.Receive(0, message, bytes, source, tag);

            // Far below any eager limit: what was probed has arrived.
            while (!_incoming.Test(0))
                Thread.SpinWait(1);
            return message;
        }

        internal void SetLeft(int rank, long lastCall, long sentMessages) => (_lastCall[rank], _sentMessages[rank]) = (lastCall, sentMessages);

        internal bool Left(int rank) => _lastCall[rank] != long.MaxValue;

        internal long LastCall(int rank) => _lastCall[rank];

        /// <summary>How many messages a rank that has left had sent here.</summary>
        internal long SentMessages(int rank) => _sentMessages[rank];

        internal bool AllLeft(int self)
        {
            for (int rank = 0; rank < _ranks; rank++)
            {
                if (rank != self && !Left(rank))
                    return false;
            }

            return true;
        }

        public void Dispose()
        {
            NativeMemory.Free(_messages);
            Requests.Dispose();
            _incoming.Dispose();
        }
    }
}
