using CollectivesSharp.Cuda;

namespace CollectivesSharp;

/// <summary>The device that a rank takes, or why it has none.</summary>
internal sealed record DeviceSelection(CudaDevice? Device, string? Objection, bool IsRequired)
{
    internal static DeviceSelection Choose(GroupOptions options, int rank, int? localRank)
    {
        DeviceChoice choice = options.Device ?? DeviceChoice.FromEnvironment();
        if (choice == DeviceChoice.None)
            return new(null, $"no GPU is to be used ({nameof(GroupOptions)}.{nameof(GroupOptions.Device)} or {DeviceChoice.Variable})", false);
        if (!CudaDriver.TryInitialize(out string? reason))
            return new(null, reason, choice.IsRequired);
        IReadOnlyList<CudaDevice> all;
        try
        {
            all = CudaDevice.All;
        }
        catch (CudaException e)
        {
            return new(null, $"the CUDA driver does not describe its devices: {e.Message}", choice.IsRequired);
        }

        int count = all.Count;
        if (choice.Ordinal is { } ordinal && ordinal >= count)
            return new(null, $"device {ordinal} was asked for; visible: {CudaDevice.DescribeAll()}", true);

        // Threads have no local rank; they share one process and with it one view of the devices.
        return new(all[choice.Ordinal ?? (localRank ?? rank) % count], null, choice.IsRequired);
    }
}
