namespace CollectivesSharp.Interop;

public enum ncclRedOp_t
{
    ncclSum = 0,
    ncclProd = 1,
    ncclMax = 2,
    ncclMin = 3,
    ncclAvg = 4,

    /// <summary>What ncclRedOpCreatePreMulSum makes is this or above.</summary>
    ncclNumOps = 5,
    ncclMaxRedOp = 2147483647,
}
