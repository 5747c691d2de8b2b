namespace CollectivesSharp;

/// <summary>How an all-reduce with residual and RMSNorm is done. The results are the same bits wherever the all-reduce is in rank order.</summary>
public enum AllReduceRmsNormRoute
{
    /// <summary>An all-reduce on the way that <see cref="GroupCoordinator.Route"/> tells, then a kernel for the rest.</summary>
    Separate,

    /// <summary>One kernel: every rank pushes its rows to every other, and finishes all of them.</summary>
    OneShot,

    /// <summary>One kernel: each row goes to its owner, who adds the residual and pushes the sum; every rank normalises all rows.</summary>
    TwoShot,
}
