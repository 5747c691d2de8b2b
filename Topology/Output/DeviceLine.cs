using System.Globalization;

namespace CollectivesSharp.Topology;

/// <summary>A device in a line of text, for trees and drawings.</summary>
internal static class DeviceLine
{
    internal static string Of(Gpu gpu)
    {
        List<string> words = [gpu.Label, gpu.Name, gpu.Pci.Address.ToString()];
        if (gpu.MemoryBytes > 0)
            words.Add(string.Create(CultureInfo.InvariantCulture, $"{gpu.MemoryBytes / (double)(1 << 30):0} GiB"));
        if (gpu.ActiveNvLinks > 0)
            words.Add($"{gpu.ActiveNvLinks} NVLinks");
        if (gpu.C2C is { } c2c)
            words.Add($"{c2c.Active} of {c2c.Count} C2C links");
        if (gpu.MigEnabled)
            words.Add($"MIG: {gpu.MigInstances.Length} instances");
        if (gpu.Fabric is { SpansHosts: true } fabric)
            words.Add($"fabric {fabric.ClusterUuid} clique {fabric.Clique}");
        words.Add(gpu.VisibleIndexes.IsEmpty ? "hidden from CUDA" : gpu.VisibleIndexes is [var only] && only == gpu.Index ? "" : $"CUDA {string.Join(", ", gpu.VisibleIndexes)}");
        return string.Join(", ", words.Where(word => word.Length > 0));
    }

    internal static string Of(NetworkAdapter adapter)
    {
        List<string> words = [adapter.Name, Kind(adapter), adapter.Pci?.Address.ToString() ?? ""];
        foreach (AdapterPort port in adapter.Ports)
            words.Add(string.Create(CultureInfo.InvariantCulture, $"port {port.Number} {port.State}{(port.Active && port.GigabitsPerSecond > 0 ? $" {port.GigabitsPerSecond:0.#} Gb/s" : "")}"));
        foreach (NetworkInterface item in adapter.Interfaces)
            words.Add(string.Create(CultureInfo.InvariantCulture, $"{(item.Name == adapter.Name ? "" : item.Name + " ")}{(item.Up ? "up" : "down")}{(item.GigabitsPerSecond > 0 ? $" {item.GigabitsPerSecond:0.#} Gb/s" : "")}"));
        if (adapter.Bond.Length > 0)
            words.Add($"bond {adapter.Bond}");
        if (adapter.Pci is { PhysicalFunction: { } function })
            words.Add($"virtual function of {function}");
        if (adapter.Pci is { VirtualFunctions: > 0 and var functions })
            words.Add($"{functions} virtual functions");
        return string.Join(", ", words.Where(word => word.Length > 0));
    }

    internal static string Kind(NetworkAdapter adapter) => adapter.Kind switch
    {
        AdapterKind.RoceV1 => "RoCE v1",
        AdapterKind.RoceV2 => "RoCE v2",
        AdapterKind.Iwarp => "iWARP",
        AdapterKind.Other => adapter.Pci?.Driver ?? "other",
        var kind => kind.ToString(),
    };
}
