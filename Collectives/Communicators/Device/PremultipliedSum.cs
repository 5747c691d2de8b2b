using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>
/// A sum of elements that each rank multiplies by its own scalar first, as one operation: gradients scaled on the way. Made by
/// <see cref="GroupCoordinator.CreatePremultipliedSum"/>, valid on that group and for that element type. Disposing it while collectives that use it still run is allowed.
/// </summary>
public abstract class PremultipliedSum : IDisposable
{
    /// <summary>Of the scalar and of every tensor that it is used with.</summary>
    public abstract DataType Type { get; }

    public abstract void Dispose();
}
