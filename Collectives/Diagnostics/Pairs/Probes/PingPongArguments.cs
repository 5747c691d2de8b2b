namespace CollectivesSharp;

/// <summary>Laid out as PingPong in ping_pong.cu.</summary>
internal struct PingPongArguments
{
    /// <summary>Where the peer's flags arrive.</summary>
    internal nint Mine;

    /// <summary>In the peer's memory.</summary>
    internal nint Theirs;

    /// <summary>The last flag that was sent; the next is one more.</summary>
    internal ulong Before;

    /// <summary>Round trips before the clock starts, and with it.</summary>
    internal ulong Warmup, RoundTrips;

    /// <summary>Nanoseconds that one wait may take.</summary>
    internal ulong Patience;

    /// <summary>Two words: round trips that were made, nanoseconds of the timed ones.</summary>
    internal nint Result;

    internal int Starts;
}
