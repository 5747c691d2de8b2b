using System.Runtime.InteropServices;

namespace CollectivesSharp;

internal sealed unsafe partial class MpiHostCommunicator
{
    /// <summary>The phase that every call begins with: all ranks have entered it, and they have entered the same call.</summary>
    private void FirstPhase() => FirstPhase(default(NoPayload));

    private void FirstPhase<TPlan>(TPlan plan)
        where TPlan : struct, IPlan
    {
        for (int peer = 0; peer < _members.Length; peer++)
        {
            if (peer == _rank)
                continue;
            byte* slot = _hello.Out(TPlan.SameToAll ? 0 : peer);
            *(Greeting*)slot = new Greeting { Generation = _generation, Sequence = _sequence, Word = _call.Word, Count = _call.Count, Digest = _call.Digest };
            if (plan.SendBytes(this, 0, peer) > 0)
                plan.Stage(this, 0, peer, slot + Hello.HeaderBytes);
            if (TPlan.SameToAll)
                break;
        }

        try
        {
            lock (MpiRuntime.Lock)
            {
                for (int peer = 0; peer < _members.Length; peer++)
                {
                    if (peer != _rank)
                        _hello.Requests.Receive(peer, _hello.In(peer), Hello.SlotBytes, _members[peer].Rank, _tags.Call);
                }

                for (int i = 1; i < _members.Length; i++)
                {
                    int peer = (_rank + i) % _members.Length;
                    _hello.Requests.Send(_members.Length + peer, _hello.Out(TPlan.SameToAll ? 0 : peer), Hello.HeaderBytes + plan.SendBytes(this, 0, peer), _members[peer].Rank, _tags.Call);
                }
            }
        }
        catch (MpiException e)
        {
            throw Failed(e);
        }

        AllComplete all = new(_hello.Requests);
        Wait(ref all);
        for (int peer = 0; peer < _members.Length; peer++)
        {
            if (peer != _rank && !Matches((Greeting*)_hello.In(peer)))
                ThrowMismatch();
        }
    }

    private bool Matches(Greeting* other) =>
        other->Word == _call.Word && other->Count == _call.Count && other->Digest == _call.Digest && other->Sequence == _sequence && other->Generation == _generation;

    private void ThrowMismatch() => ThrowMismatch("the ranks made different calls: " + string.Join("; ", _members
        .Select((member, index) => (member.Rank, Call: index == _rank ? _call : CallOf(index)))
        .GroupBy(item => item.Call, item => item.Rank)
        .Select(calls => $"{GroupMember.NameRanks(calls)} called {calls.Key}")) + ".");

    /// <summary>Only for what every rank finds at the same place: each throws by itself, with the same words, and nobody needs to be told.</summary>
    private void ThrowMismatch(string differences)
    {
        MpiCause cause = new(AbortWord.Kind.Mismatch, _rank, _rank, differences);
        Interlocked.CompareExchange(ref _cause, cause, null);
        throw CreateFault(cause);
    }

    private HostCall CallOf(int peer)
    {
        Greeting* greeting = (Greeting*)_hello.In(peer);
        return HostCall.FromWords(greeting->Word, greeting->Count, greeting->Digest);
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Greeting
    {
        internal long Generation;
        internal long Sequence;
        internal long Word;
        internal long Count;
        internal long Digest;
    }

    private readonly struct NoPayload : IPlan
    {
        public static bool SameToAll => true;

        public nuint SendBytes(MpiHostCommunicator self, nuint step, int peer) => 0;

        public nuint ReceiveBytes(MpiHostCommunicator self, nuint step, int peer) => 0;

        public void Stage(MpiHostCommunicator self, nuint step, int peer, byte* to)
        {
        }

        public void Collect(MpiHostCommunicator self, nuint step)
        {
        }
    }

    /// <summary>A slot for and from each rank. A peer that is a call ahead can't disturb: MPI keeps its messages in order, and takes one for each call.</summary>
    private sealed class Hello : IDisposable
    {
        internal const int HeaderBytes = 64;

        /// <summary>Up to here every rank sends its whole input to all at once and reduces everything itself.</summary>
        internal const int PayloadBytes = 8 << 10;
        internal const int SlotBytes = HeaderBytes + PayloadBytes;

        private readonly int _ranks;
        private readonly byte* _memory;

        internal Hello(int ranks)
        {
            _ranks = ranks;
            _memory = (byte*)NativeMemory.AlignedAlloc(2 * (nuint)ranks * SlotBytes, 64);
            Requests = new MpiRequests(2 * ranks);
        }

        /// <summary>The receive from each rank, then the send to each.</summary>
        internal MpiRequests Requests { get; }

        internal byte* Out(int peer) => _memory + ((nuint)peer * SlotBytes);

        internal byte* In(int peer) => Out(_ranks + peer);

        public void Dispose()
        {
            NativeMemory.AlignedFree(_memory);
            Requests.Dispose();
        }
    }
}
