using System.Collections.Immutable;
using System.Globalization;

namespace CollectivesSharp.Topology;

/// <summary>
/// CUDA_VISIBLE_DEVICES: numbers in CUDA's order, the beginnings of GPU UUIDs, MIG UUIDs (MIG-…) or their older form (MIG-GPU-uuid/gi/ci). As in CUDA the first entry that
/// names nothing ends the list.
/// </summary>
internal sealed class VisibleDevices(TopologyOptions options, WarningList warnings)
{
    private const string Variable = "CUDA_VISIBLE_DEVICES";
    private const int MaxEntries = 1024;

    internal ImmutableArray<Gpu> Map(ImmutableArray<Gpu> gpus)
    {
        string? value = options.VisibleDevices ?? (options.IsThisMachine ? Environment.GetEnvironmentVariable(Variable) : null);
        string? order = options.DeviceOrder ?? (options.IsThisMachine ? Environment.GetEnvironmentVariable("CUDA_DEVICE_ORDER") : null);
        Gpu[] ordered = [.. gpus.OrderBy(gpu => gpu.Pci.Address)];
        List<int>[] visible = [.. gpus.Select(_ => new List<int>())];
        if (value is null)
        {
            for (int i = 0; i < ordered.Length; i++)
                visible[ordered[i].Index].Add(i);
        }
        else
        {
            bool byNumber = false;
            int ordinal = 0;
            HashSet<(int, string)> named = [];
            foreach (string entry in value.Split(',').Take(MaxEntries).Select(text => text.Trim()))
            {
                if (entry.Length == 0 || entry == "-1" || entry.Equals("NoDevFiles", StringComparison.OrdinalIgnoreCase))
                    break;
                if (Find(entry, ordered, gpus) is not { } gpu)
                {
                    warnings.Add(TopologyWarningKind.VisibleDevices, Variable, $"'{entry}' names no GPU here; CUDA shows only those before it ({ordinal})");
                    break;
                }

                // CUDA answers a device that is named twice with none at all.
                if (!named.Add((gpu.Index, entry.StartsWith("MIG-", StringComparison.Ordinal) ? entry : "")))
                {
                    warnings.Add(TopologyWarningKind.VisibleDevices, Variable, $"'{entry}' names {gpu.Label} a second time; CUDA then shows no device");
                    visible = [.. gpus.Select(_ => new List<int>())];
                    break;
                }

                byNumber |= char.IsAsciiDigit(entry[0]);
                visible[gpu.Index].Add(ordinal++);
            }

            WarnOfOrder(gpus, byNumber, order);
        }

        return [.. gpus.Select(gpu => gpu with { VisibleIndexes = [.. visible[gpu.Index]] })];
    }

    private static Gpu? Find(string entry, Gpu[] ordered, ImmutableArray<Gpu> gpus)
    {
        if (int.TryParse(entry, NumberStyles.None, CultureInfo.InvariantCulture, out int number))
            return number < ordered.Length ? ordered[number] : null;
        if (entry.StartsWith("MIG-GPU-", StringComparison.OrdinalIgnoreCase))
        {
            string[] parts = entry[4..].Split('/');
            return parts.Length == 3 ? gpus.FirstOrDefault(gpu => gpu.Uuid.Equals(parts[0], StringComparison.OrdinalIgnoreCase)) : null;
        }

        if (entry.StartsWith("MIG-", StringComparison.OrdinalIgnoreCase))
            return gpus.FirstOrDefault(gpu => gpu.MigInstances.Any(instance => instance.Uuid.Equals(entry, StringComparison.OrdinalIgnoreCase)));
        Gpu[] begun = entry.StartsWith("GPU-", StringComparison.OrdinalIgnoreCase) ? [.. gpus.Where(gpu => gpu.Uuid.StartsWith(entry, StringComparison.OrdinalIgnoreCase))] : [];
        return begun.Length == 1 ? begun[0] : null;
    }

    private void WarnOfOrder(ImmutableArray<Gpu> gpus, bool byNumber, string? order)
    {
        if (byNumber && order != "PCI_BUS_ID" && gpus.Select(gpu => gpu.Name).Distinct().Count() > 1)
            warnings.Add(TopologyWarningKind.VisibleDevices, Variable, "it counts GPUs of different models in CUDA's own order, fastest first, which is not known here; set CUDA_DEVICE_ORDER=PCI_BUS_ID, or name UUIDs");
    }
}
