using CollectivesSharp.Cuda;

namespace CollectivesSharp;

/// <summary>Of ranks that are threads of one process: virtual memory that every device maps.</summary>
internal sealed class PairMemory : IPairMemory
{
    private readonly DeviceBuffer<byte> _memory;
    private readonly long[] _addresses;

    private PairMemory(DeviceBuffer<byte> memory, long[] addresses)
    {
        (_memory, _addresses) = (memory, addresses);
    }

    public nint Own => _memory.Pointer;

    public nint Address(int rank) => (nint)_addresses[rank];

    /// <summary>Collective. Null on all ranks, with the reason.</summary>
    internal static (PairMemory? Memory, string? Objection) Create(PairMeeting meeting, nuint bytes)
    {
        GroupCoordinator group = meeting.Group;
        DeviceBuffer<byte>? memory = null;
        string? own = Objection(group);
        try
        {
            if (own is null)
            {
                memory = group.Device!.Allocate<byte>(bytes, DeviceMemoryKind.Shareable);
                memory.CopyFrom(new byte[bytes]);
            }
        }
        catch (CudaException e)
        {
            own = e.Message;
        }

        string? objection = meeting.Vote(own);
        long[] addresses = new long[group.WorldSize];
        if (objection is null)
            group.AllGather<long>([memory!.Pointer], addresses, meeting.Call);
        else
            memory?.Dispose();
        return objection is null ? (new PairMemory(memory!, addresses), null) : (null, objection);
    }

    private static string? Objection(GroupCoordinator group)
    {
        GroupMember self = group.Members[group.RankInGroup];
        if (group.Members.Any(member => member.ProcessId != self.ProcessId || member.NodeId != self.NodeId))
            return "the ranks are processes";
        GroupMember? far = group.Members.FirstOrDefault(member => member.Device!.Ordinal != self.Device!.Ordinal && !CudaDevice.Get(self.Device.Ordinal).CanAccess(CudaDevice.Get(member.Device!.Ordinal)));
        return far is null ? null : $"{self.Device} does not reach {far.Device}";
    }

    public void Dispose() => _memory.Dispose();
}
