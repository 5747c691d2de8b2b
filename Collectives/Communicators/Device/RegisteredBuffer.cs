namespace CollectivesSharp;

/// <summary>
/// Device memory that a group knows: collectives that find their pointers in it take shorter ways. Dispose it on every rank, before the memory is freed and after the work that
/// uses it is done; graphs that captured such a call count as work until they are disposed.
/// </summary>
public abstract class RegisteredBuffer : IDisposable
{
    /// <summary>Counts the group's registrations: the same on every rank.</summary>
    public abstract int Id { get; }

    public abstract RegistrationKind Kind { get; }

    public abstract nint Pointer { get; }

    public abstract nuint LengthInBytes { get; }

    public abstract void Dispose();
}
