namespace CollectivesSharp.Conformance.Device;

/// <summary>
/// One call on all ranks, on device memory. <see cref="Case.Misalignment"/> counts elements here: a device pointer is aligned to its element. Scaled: a sum of which each rank multiplies its part first.
/// Untyped: by the overload whose type is a value. SendReceive: to the rank that is <see cref="Case.Root"/> places further.
/// </summary>
internal readonly record struct DeviceCase(Case Test, bool Scaled = false, bool Untyped = false)
{
    public override string ToString()
    {
        string op = Scaled ? ", scaled by rank" : Test.Reduces ? $", {Test.Op}" : "";
        return $"{Test.Collective} of {Test.Count} × {Test.Type}{(Test.Varied ? ", counts by rank" : "")}{op}, root {Test.Root}, {(Test.InPlace ? "in place" : "out of place")}, {Test.Misalignment} elements off{(Untyped ? ", untyped" : "")}, seed {Test.Seed}";
    }
}
