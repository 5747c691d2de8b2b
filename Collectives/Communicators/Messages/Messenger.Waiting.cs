using System.Diagnostics;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

internal sealed unsafe partial class Messenger
{
    private const int PollsPerLook = 64;

    /// <summary>How long a sleep may last while something else than what ends it is to be looked at: the other nodes while it sleeps on the bell, the bell while it polls them.</summary>
    private const double CrossLookMilliseconds = 20;
    private const double BothMilliseconds = 0.5;
    private const double FirstAliveMilliseconds = 100;
    private const double AliveMilliseconds = 500;

    private long _waitingSince;
    private long _nextAlive;

    private enum Goal
    {
        /// <summary>Everything that was posted of a collective.</summary>
        Parts,
        PartsOut,
        PartFrom,
        PartTo,
        MessageIn,
        MessageOut,
        MessagesBoth,
    }

    private bool IsReached(Goal goal, int rank) => goal switch
    {
        Goal.Parts => _unsent == 0 && _unreceived == 0,
        Goal.PartsOut => _unsent == 0,
        Goal.PartFrom => _peers[rank]!.PartsReceived >= _partsWanted || !_peers[rank]!.IsExpecting,
        Goal.PartTo => _peers[rank] is { HasPosted: false, OutIsPosted: false },
        Goal.MessageIn => !_receive.IsActive,
        Goal.MessageOut => !_send.IsActive,
        _ => !_receive.IsActive && !_send.IsActive,
    };

    /// <summary>Moves bytes until the goal is reached. Throws what ended the group, the call's cancellation, or at its deadline who is to blame.</summary>
    private void WaitFor(Goal goal, int rank = -1)
    {
        _waitingSince = _nextAlive = 0;
        while (true)
        {
            if (Advance(goal, rank) || Spin(goal, rank))
                return;
            Rest(goal, rank);
        }
    }

    /// <summary>One look at every peer that the call has to do with. True if the goal is reached.</summary>
    private bool Advance(Goal goal, int rank)
    {
        bool moved;
        do
        {
            moved = false;
            foreach (Peer? peer in _peers)
            {
                if (peer is not null && IsOfInterest(peer))
                    moved |= Push(peer) | Pull(peer);
            }

            AdvanceSend();
            if (IsReached(goal, rank))
                return true;
            if (_board.IsRaised)
                ThrowFault();
        }
        while (moved);
        return false;
    }

    private bool IsOfInterest(Peer peer) => peer.IsLocal || peer.IsExpecting || peer.HasOutgoing
        || (_receive.IsActive && (_receive.Source == HostMessage.Any || _receive.Source == peer.Rank)) || (_send.IsActive && _send.Destination == peer.Rank);

    private bool Spin(Goal goal, int rank)
    {
        if (_spin.SpinTicks > 0)
        {
            // A look at a socket is a system call: less often.
            int looks = _remote.Length > 0 ? 1 : PollsPerLook;
            long end = Stopwatch.GetTimestamp() + _spin.SpinTicks;
            do
            {
                for (int i = 0; i < looks; i++)
                {
                    SharedMemoryCommunicator.Pause();
                    if (Advance(goal, rank))
                        return true;
                }

                // The awaited peer may be runnable on this very core: ranks that are not bound get stacked there.
                Thread.Yield();
            }
            while (Stopwatch.GetTimestamp() < end);
        }

        for (int i = 0; i < _spin.Yields; i++)
        {
            long end = Stopwatch.GetTimestamp() + SpinPolicy.PollTicks;
            do
            {
                SharedMemoryCommunicator.Pause();
                if (Advance(goal, rank))
                    return true;
            }
            while (Stopwatch.GetTimestamp() < end);

            Thread.Yield();
            if (Advance(goal, rank))
                return true;
        }

        return false;
    }

    /// <summary>Sleeps until something may have happened.</summary>
    private void Rest(Goal goal, int rank)
    {
        double left = _gate.SliceLeft();
        if (left <= 0)
            ThrowTooLate(goal, rank);
        _gate.ThrowIfCancelled();
        ThrowIfAwaitedHasLeft(goal, rank);
        ThrowIfSourceIsElsewhere();
        SayWhereThisWaits(goal, rank);

        bool local = false, remote = false;
        foreach (Peer? peer in _peers)
        {
            // Not the awaited one alone: what others take or bring meanwhile keeps chains moving.
            bool matters = peer is not null && (IsAwaited(peer, goal, rank) || peer.HasOutgoing || peer.IsExpecting);
            local |= matters && peer!.IsLocal;
            remote |= matters && !peer!.IsLocal;
        }

        if (remote)
        {
            PollRemote(Math.Min(left, local ? BothMilliseconds : CrossLookMilliseconds));
            return;
        }

        int bell = _bell.FallAsleep();
        bool moved = false;
        foreach (Peer? peer in _peers)
        {
            if (peer is { IsLocal: true })
                moved |= Push(peer) | Pull(peer);
        }

        AdvanceSend();
        if (moved || IsReached(goal, rank) || _board.IsRaised)
        {
            _bell.WakeUp();
            return;
        }

        _bell.Sleep(bell, _remote.Length > 0 ? Math.Min(left, CrossLookMilliseconds) : left);
        if (_remote.Length > 0)
            PollRemote(0);
    }

    private bool IsAwaited(Peer peer, Goal goal, int rank) => goal switch
    {
        Goal.Parts => peer.IsExpecting || peer.HasPosted || peer.OutIsPosted,
        Goal.PartsOut => peer.HasPosted || peer.OutIsPosted,
        Goal.PartFrom or Goal.PartTo => peer.Rank == rank,
        _ => (_receive.IsActive && goal != Goal.MessageOut && (_receive.Source == HostMessage.Any || _receive.Source == peer.Rank))
            || (_send.IsActive && goal != Goal.MessageIn && _send.Destination == peer.Rank),
    };

    /// <summary>Sleeps until a connection has something or takes something, and moves that.</summary>
    private void PollRemote(double milliseconds)
    {
        for (int i = 0; i < _remote.Length; i++)
        {
            Peer peer = _remote[i];
            int events = (peer.IsParked ? PosixNative.POLLRDHUP : PosixNative.POLLIN) + (peer.HasOutgoing ? PosixNative.POLLOUT : 0);
            _polled[i] = new pollfd { fd = peer.IsWhole || peer.Channel.IsClosed ? -1 : peer.Channel.Descriptor, events = (short)events };
        }

        long nanoseconds = (long)(milliseconds * 1e6);
        timespec timeout = new() { tv_sec = nanoseconds / 1_000_000_000, tv_nsec = nanoseconds % 1_000_000_000 };
        if (PosixNative.ppoll(_polled, (nuint)_remote.Length, &timeout, null) <= 0)
            return;
        for (int i = 0; i < _remote.Length; i++)
        {
            if (_polled[i].fd < 0 || _polled[i].revents == 0)
                continue;
            _ = Push(_remote[i]) | Pull(_remote[i]);
            if (_remote[i].IsParked && (_polled[i].revents & (PosixNative.POLLRDHUP | PosixNative.POLLHUP | PosixNative.POLLERR)) != 0)
                LookAhead(_remote[i]);
        }
    }

    private void ThrowFault() => throw _gate.CreateFault();

    /// <summary>A peer that disposed its end will send no more: everything of it that could help has been read.</summary>
    private void ThrowIfAwaitedHasLeft(Goal goal, int rank)
    {
        bool anyIsEnough = goal is Goal.MessageIn or Goal.MessagesBoth && _receive is { IsActive: true, Source: HostMessage.Any };
        bool othersMayCome = false;
        Peer? gone = null;
        foreach (Peer? peer in _peers)
        {
            if (peer is null || !IsAwaited(peer, goal, rank))
                continue;
            bool left = peer.HasLeft || (peer.IsLocal && _board.HasLeft(peer.Rank));
            if (left && peer.IsLocal)
                _ = Pull(peer);
            if (left && !IsReached(goal, rank))
                gone = peer;
            else if (anyIsEnough && !left)
                othersMayCome = true;
            if (gone == peer && goal != Goal.MessageIn && _send.IsActive && _send.Destination == peer.Rank)
            {
                othersMayCome = anyIsEnough = false;
                break;
            }
        }

        if (gone is null || othersMayCome || !IsAwaited(gone, goal, rank))
            return;
        _board.Raise(AbortWord.Kind.Left, gone.Rank, _board.Rank);
        ThrowFault();
    }

    /// <summary>What a receive waits for comes behind the part of a collective that this rank has not called: neither will happen.</summary>
    private void ThrowIfSourceIsElsewhere()
    {
        if (_receive is not { IsActive: true, IsMatched: false, Source: >= 0 } || _peers[_receive.Source] is not { IsParked: true, In.Kind: FrameKind.Part } peer)
            return;
        _board.Raise(AbortWord.Kind.Mismatch, peer.Rank, _board.Rank, $"rank {_board.Members[peer.Rank].Rank} is in collective {peer.In.Sequence}; rank {_board.Members[_board.Rank].Rank} called {_gate.Call} before it.");
        ThrowFault();
    }

    private void SayWhereThisWaits(Goal goal, int rank)
    {
        if (_remote.Length == 0)
            return;
        long now = Stopwatch.GetTimestamp();
        if (_waitingSince == 0)
        {
            _waitingSince = now;
            _nextAlive = now + (long)(FirstAliveMilliseconds * Stopwatch.Frequency / 1e3);
            foreach (Peer? peer in _peers)
            {
                if (peer is not null)
                    peer.ToldWhereItWaits = false;
            }
        }

        if (now < _nextAlive)
            return;

        // Slower as the wait grows: whoever does not read finds few of them.
        _nextAlive = now + Math.Max((long)(AliveMilliseconds * Stopwatch.Frequency / 1e3), (now - _waitingSince) / 4);
        GiveUpUnreachable(now);
        Frame frame = Frame.Of(FrameKind.Alive, _gate.Sequence, FirstAwaited(goal, rank));
        foreach (Peer? peer in _peers)
        {
            if (peer is { HasOutgoing: false })
            {
                peer.TryQueueControl(frame);
                Push(peer);
            }
        }
    }

    /// <summary>The signs of life are there to be confirmed: a machine that has confirmed nothing for so long is out of reach.</summary>
    private void GiveUpUnreachable(long now)
    {
        double waited = (now - _waitingSince) / (double)Stopwatch.Frequency;
        foreach (Peer peer in _remote)
        {
            if (waited < _patience.TotalSeconds || peer.Channel.UnconfirmedFor < _patience.TotalMilliseconds)
                continue;
            peer.Channel.GiveUp($"nothing that was sent to it was confirmed for {_patience.TotalSeconds:0.#} s");
            OnClosed(peer);
        }
    }

    private int FirstAwaited(Goal goal, int rank)
    {
        foreach (Peer? peer in _peers)
        {
            if (peer is not null && IsAwaited(peer, goal, rank))
                return peer.Rank;
        }

        return -1;
    }

    /// <summary>
    /// At the deadline: the awaited peer may itself be waiting for another one, and has said so. The one who said nothing is to blame; if it never came to
    /// this call, so are all others who did not and are not held up in an earlier one.
    /// </summary>
    private void ThrowTooLate(Goal goal, int rank)
    {
        int culprit = FirstAwaited(goal, rank);
        if (culprit < 0)
            culprit = _receive.From;
        for (int hops = 0; hops < _peers.Length && _peers[culprit] is { ToldWhereItWaits: true, WaitsFor: >= 0 } peer && peer.WaitsFor < _peers.Length && peer.WaitsFor != _board.Rank; hops++)
            culprit = peer.WaitsFor;

        List<int> missing = [culprit];
        if (_gate.Call.IsCollective && _remote.Length > 0 && _peers[culprit]!.HeardSequence < _gate.Sequence)
            missing = [.. _peers.OfType<Peer>().Where(peer => peer.Rank == culprit || (peer.HeardSequence < _gate.Sequence && !peer.ToldWhereItWaits)).Select(peer => peer.Rank)];
        else if (_receive is { IsActive: true, Source: HostMessage.Any })
            missing = [.. _peers.OfType<Peer>().Select(peer => peer.Rank)];
        _board.RaiseSilent(missing);
        ThrowFault();
    }
}
