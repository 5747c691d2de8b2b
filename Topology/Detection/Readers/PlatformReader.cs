using System.Globalization;
using System.Text.RegularExpressions;

namespace CollectivesSharp.Topology;

/// <summary>The signs of containers, hypervisors and processors, and the driver's version.</summary>
internal sealed partial class PlatformReader(FileReader reader)
{
    private static readonly string[] s_containers = ["kubepods", "docker", "containerd", "libpod", "lxc"];
    private static readonly string[] s_hypervisors = ["QEMU", "VMware", "Xen", "KVM", "OpenStack", "Alibaba Cloud", "Parallels", "innotek"];

    internal Platform Read(NvmlSnapshot nvml)
    {
        // The first processor's lines: all are alike in what is asked here.
        string cpu = reader.Files.Read("/proc/cpuinfo", 4096) ?? "";
        string driver = reader.Files.Read("/proc/driver/nvidia/version") ?? "";
        bool arm = cpu.Contains("CPU implementer", StringComparison.Ordinal);
        return new Platform
        {
            Container = Container(),
            VirtualMachine = VirtualMachine(cpu),
            Product = reader.Line("/sys/class/dmi/id/product_name"),
            CpuArchitecture = arm ? "arm64" : cpu.Length > 0 ? "x86_64" : "",
            CpuVendor = Field(cpu, arm ? "CPU implementer" : "vendor_id"),
            CpuFamily = Count(Field(cpu, arm ? "CPU architecture" : "cpu family")),
            CpuModel = Count(Field(cpu, arm ? "CPU part" : "model")),
            CpuName = Field(cpu, "model name"),
            Kernel = reader.Line("/proc/sys/kernel/osrelease"),
            DriverVersion = nvml.DriverVersion ?? (DriverVersion().Match(driver) is { Success: true } match ? match.Value : ""),
            OpenDriver = driver.Length > 0 ? driver.Contains("Open Kernel Module", StringComparison.Ordinal) : null,
        };
    }

    private string Container()
    {
        if (reader.Files.Exists("/var/run/secrets/kubernetes.io") || reader.Files.Exists("/run/secrets/kubernetes.io"))
            return "kubernetes";
        if (reader.Files.Exists("/.dockerenv"))
            return "docker";
        if (reader.Files.Exists("/run/.containerenv"))
            return "podman";
        string groups = reader.Files.Read("/proc/1/cgroup") ?? "";
        string? sign = s_containers.FirstOrDefault(name => groups.Contains(name, StringComparison.Ordinal));
        return sign switch { "kubepods" => "kubernetes", "libpod" => "podman", not null => sign, _ => reader.Line("/run/systemd/container") };
    }

    private string VirtualMachine(string cpu)
    {
        string vendor = reader.Line("/sys/class/dmi/id/sys_vendor"), product = reader.Line("/sys/class/dmi/id/product_name");
        bool flag = Field(cpu, "flags").Contains("hypervisor", StringComparison.Ordinal);
        if (vendor == "Amazon EC2")
            return product.Contains("metal", StringComparison.Ordinal) ? "" : vendor;
        if (vendor == "Microsoft Corporation" && product == "Virtual Machine")
            return "Microsoft";
        if (vendor == "Google" && product.StartsWith("Google Compute", StringComparison.Ordinal))
            return "Google";
        string? known = s_hypervisors.FirstOrDefault(name => vendor.Contains(name, StringComparison.OrdinalIgnoreCase) || product.Contains(name, StringComparison.OrdinalIgnoreCase));
        if (known is not null && (flag || known is "QEMU" or "KVM" or "VMware"))
            return known;
        string type = reader.Line("/sys/hypervisor/type");
        return type.Length > 0 ? type : flag ? "hypervisor" : "";
    }

    private static string Field(string text, string name)
    {
        foreach (string line in text.Split('\n'))
        {
            int colon = line.IndexOf(':');
            if (colon > 0 && line.AsSpan(0, colon).Trim().SequenceEqual(name))
                return line[(colon + 1)..].Trim();
        }

        return "";
    }

    private static int Count(string text)
    {
        bool hex = text.StartsWith("0x", StringComparison.Ordinal);
        return int.TryParse(hex ? text.AsSpan(2) : text, hex ? NumberStyles.AllowHexSpecifier : NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= 0 ? number : 0;
    }

    [GeneratedRegex(@"\b\d{3}\.\d{1,3}(\.\d{1,3})?\b")]
    private static partial Regex DriverVersion();
}
