using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

internal sealed unsafe partial class MpiHostCommunicator
{
    private readonly Hello _hello;
    private readonly StepBuffers _steps;

    // Bytes of each rank's part, as sender and as receiver, of the call in flight.
    private readonly nuint[] _lengths;
    private readonly nuint[] _sendLengths;

    // Where the pieces of the step that is being collected lie, and how many bytes of a buffer make one.
    private byte* _received;
    private nuint _receivedStride;
    private nuint _unit;

    /// <summary>
    /// One collective as a row of steps: in each, a rank sends something to each peer and gets something from each. A struct, so that the loop is compiled for each plan
    /// and nothing is allocated. Both sides of a pair know how many bytes a step moves between them; none means no message.
    /// </summary>
    private interface IPlan
    {
        /// <summary>All peers get the same bytes.</summary>
        static abstract bool SameToAll { get; }

        nuint SendBytes(MpiHostCommunicator self, nuint step, int peer);

        nuint ReceiveBytes(MpiHostCommunicator self, nuint step, int peer);

        void Stage(MpiHostCommunicator self, nuint step, int peer, byte* to);

        /// <summary>Everything of the step has arrived; <see cref="Received"/> says where.</summary>
        void Collect(MpiHostCommunicator self, nuint step);
    }

    private void SetReceived(byte* first, nuint stride)
    {
        _received = first;
        _receivedStride = stride;
    }

    private byte* Received(int peer) => _received + ((nuint)peer * _receivedStride);

    /// <summary>What no rank needs to be sent in pieces goes with the greeting, in one message; longer parts follow step by step.</summary>
    private void Run<TPlan>(TPlan plan, nuint longest)
        where TPlan : struct, IPlan
    {
        if (longest > Hello.PayloadBytes)
        {
            FirstPhase();
            RunSteps(plan, (longest + _steps.SlotBytes - 1) / _steps.SlotBytes);
            return;
        }

        _unit = Hello.PayloadBytes;
        FirstPhase(plan);
        SetReceived(_hello.In(0) + Hello.HeaderBytes, Hello.SlotBytes);
        plan.Collect(this, 0);
    }

    /// <summary>
    /// While step t is under way, step t-1 is collected. A set of buffers is used again two steps later, after its step is complete on this side, which is all that MPI
    /// asks for.
    /// </summary>
    private void RunSteps<TPlan>(TPlan plan, nuint steps)
        where TPlan : struct, IPlan
    {
        _unit = _steps.SlotBytes;
        for (nuint step = 0; step <= steps; step++)
        {
            if (step < steps)
                Post(plan, step);
            if (step > 0)
                Complete(plan, step - 1);
        }
    }

    private void Post<TPlan>(TPlan plan, nuint step)
        where TPlan : struct, IPlan
    {
        int parity = (int)(step & 1);
        for (int peer = 0; peer < _members.Length; peer++)
        {
            if (peer != _rank && plan.SendBytes(this, step, peer) > 0)
            {
                plan.Stage(this, step, peer, _steps.Out(parity, TPlan.SameToAll ? 0 : peer));
                if (TPlan.SameToAll)
                    break;
            }
        }

        try
        {
            lock (MpiRuntime.Lock)
            {
                MpiRequests requests = _steps.Requests(parity);
                for (int peer = 0; peer < _members.Length; peer++)
                {
                    if (peer != _rank && plan.ReceiveBytes(this, step, peer) is > 0 and var bytes)
                        requests.Receive(peer, _steps.In(parity, peer), bytes, _members[peer].Rank, _tags.Data);
                }

                for (int i = 1; i < _members.Length; i++)
                {
                    // Everybody begins with another peer.
                    int peer = (_rank + i) % _members.Length;
                    if (plan.SendBytes(this, step, peer) is > 0 and var bytes)
                        requests.Send(_members.Length + peer, _steps.Out(parity, TPlan.SameToAll ? 0 : peer), bytes, _members[peer].Rank, _tags.Data);
                }
            }
        }
        catch (MpiException e)
        {
            throw Failed(e);
        }
    }

    private void Complete<TPlan>(TPlan plan, nuint step)
        where TPlan : struct, IPlan
    {
        int parity = (int)(step & 1);
        AllComplete all = new(_steps.Requests(parity));
        Wait(ref all);
        SetReceived(_steps.In(parity, 0), _steps.SlotBytes);
        plan.Collect(this, step);
    }

    /// <summary>The piece of a buffer of <paramref name="bytes"/> that belongs to a step: none once the buffer is exhausted.</summary>
    private nuint Piece(nuint bytes, nuint step) => step * _unit >= bytes ? 0 : Math.Min(_unit, bytes - (step * _unit));

    private static void Copy(byte* from, byte* to, nuint bytes)
    {
        if (from != to)
            Buffer.MemoryCopy(from, to, bytes, bytes);
    }

    /// <summary>Two sets of a slot for and from each rank.</summary>
    private sealed class StepBuffers : IDisposable
    {
        /// <summary>With many ranks a share of a chunk would be too short for a message.</summary>
        private const int ShortestPart = 32 << 10;

        private readonly int _ranks;
        private readonly byte* _memory;
        private readonly MpiRequests[] _requests;

        internal StepBuffers(int ranks, int chunkBytes)
        {
            _ranks = ranks;
            PartBytes = (nuint)Math.Max(chunkBytes / ranks, Math.Min(chunkBytes / 4, ShortestPart)) / 64 * 64;
            _memory = (byte*)NativeMemory.AlignedAlloc((4 * (nuint)ranks * SlotBytes) + PartBytes, 4096);
            _requests = [new MpiRequests(2 * ranks), new MpiRequests(2 * ranks)];
        }

        /// <summary>What a rank owns of a chunk: a multiple of 64 bytes, hence of every element.</summary>
        internal nuint PartBytes { get; }

        /// <summary>Two parts travel together.</summary>
        internal nuint SlotBytes => 2 * PartBytes;

        internal byte* Out(int parity, int peer) => _memory + ((nuint)((2 * parity * _ranks) + peer) * SlotBytes);

        internal byte* In(int parity, int peer) => Out(parity, _ranks + peer);

        /// <summary>Room for one part, of who has no output for it.</summary>
        internal byte* Result => Out(2, 0);

        /// <summary>The receive from each rank, then the send to each.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal MpiRequests Requests(int parity) => _requests[parity];

        internal bool TryCancel(int receives) => _requests[0].TryCancelReceives(receives) & _requests[1].TryCancelReceives(receives);

        public void Dispose()
        {
            NativeMemory.AlignedFree(_memory);
            _requests[0].Dispose();
            _requests[1].Dispose();
        }
    }
}
