namespace CollectivesSharp.Interop;

public enum ncclScalarResidence_t
{
    ncclScalarDevice = 0,
    ncclScalarHostImmediate = 1,
}
