using CollectivesSharp.Interop;

namespace CollectivesSharp;

internal sealed class NcclPremultipliedSum(NcclCommunicator communicator, ncclRedOp_t op, DataType type) : PremultipliedSum
{
    private int _disposed;

    public override DataType Type => type;

    public override void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
            communicator.Forget(op);
    }

    internal ncclRedOp_t For(NcclCommunicator user, DataType elements)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, typeof(PremultipliedSum));
        if (user != communicator)
            throw new ArgumentException("A premultiplied sum of another group.", nameof(user));
        if (elements != type)
            throw new ArgumentException($"A premultiplied sum of {type} for elements of {elements}.", nameof(elements));
        return op;
    }
}
