namespace CollectivesSharp;

/// <summary>How a device collective combines elements: a <see cref="ReduceOp"/>, or a <see cref="PremultipliedSum"/> of the same group. Both convert to it.</summary>
public readonly struct DeviceReduceOp : IEquatable<DeviceReduceOp>
{
    private readonly ReduceOp _op;

    private DeviceReduceOp(ReduceOp op, PremultipliedSum? scaled)
    {
        (_op, Scaled) = (op, scaled);
    }

    /// <summary>Not null: the sum of elements that each rank multiplies first.</summary>
    public PremultipliedSum? Scaled { get; }

    /// <summary>Sum for a <see cref="Scaled"/> one.</summary>
    public ReduceOp Op => _op;

    public static implicit operator DeviceReduceOp(ReduceOp op) => new(op, null);

    public static implicit operator DeviceReduceOp(PremultipliedSum scaled)
    {
        ArgumentNullException.ThrowIfNull(scaled);
        return new(ReduceOp.Sum, scaled);
    }

    public static bool operator ==(DeviceReduceOp left, DeviceReduceOp right) => left.Equals(right);

    public static bool operator !=(DeviceReduceOp left, DeviceReduceOp right) => !left.Equals(right);

    public bool Equals(DeviceReduceOp other) => _op == other._op && ReferenceEquals(Scaled, other.Scaled);

    public override bool Equals(object? obj) => obj is DeviceReduceOp other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(_op, Scaled);

    public override string ToString() => Scaled is null ? _op.ToString() : "PremultipliedSum";
}
