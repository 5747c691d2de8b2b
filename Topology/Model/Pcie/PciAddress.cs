using System.Globalization;

namespace CollectivesSharp.Topology;

/// <summary>Where a device sits on PCIe: domain, bus, device, function. The order is the kernel's and NVML's.</summary>
public readonly record struct PciAddress(uint Domain, byte Bus, byte Device, byte Function) : IComparable<PciAddress>
{
    /// <summary>As sysfs writes it: 0000:1b:00.0.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Domain:x4}:{Bus:x2}:{Device:x2}.{Function:x}");

    /// <summary>The same slot, whatever the function: 0000:1b:00.</summary>
    public string Slot => string.Create(CultureInfo.InvariantCulture, $"{Domain:x4}:{Bus:x2}:{Device:x2}");

    public int CompareTo(PciAddress other) => (Domain, Bus, Device, Function).CompareTo((other.Domain, other.Bus, other.Device, other.Function));

    public static bool operator <(PciAddress left, PciAddress right) => left.CompareTo(right) < 0;

    public static bool operator >(PciAddress left, PciAddress right) => left.CompareTo(right) > 0;

    public static bool operator <=(PciAddress left, PciAddress right) => left.CompareTo(right) <= 0;

    public static bool operator >=(PciAddress left, PciAddress right) => left.CompareTo(right) >= 0;

    /// <summary>Reads sysfs' form and NVML's (00000000:1B:00.0), the domain left out or not.</summary>
    public static bool TryParse(string? text, out PciAddress address)
    {
        address = default;
        if (text is null || text.Length is < 7 or > 16)
            return false;
        string[] parts = text.Split(':');
        if (parts.Length is not (2 or 3))
            return false;
        string[] slot = parts[^1].Split('.');
        uint domain = 0;
        if ((parts.Length == 3 && !Hex(parts[0], 8, uint.MaxValue, out domain)) || slot.Length != 2
            || !Hex(parts[^2], 2, 0xff, out uint bus) || !Hex(slot[0], 2, 0x1f, out uint device) || !Hex(slot[1], 1, 7, out uint function))
            return false;
        address = new PciAddress(domain, (byte)bus, (byte)device, (byte)function);
        return true;
    }

    private static bool Hex(string text, int digits, uint most, out uint value) =>
        uint.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value) && text.Length <= digits && value <= most;
}
