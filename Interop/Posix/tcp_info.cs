using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

/// <summary>The beginning of struct tcp_info, which the kernel appends to: it fills as many bytes as are asked for. Times in milliseconds, but for rto and ato.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct tcp_info
{
    public byte tcpi_state;
    public byte tcpi_ca_state;
    public byte tcpi_retransmits;
    public byte tcpi_probes;
    public byte tcpi_backoff;
    public byte tcpi_options;
    public byte tcpi_wscale;
    public byte tcpi_flags;
    public uint tcpi_rto;
    public uint tcpi_ato;
    public uint tcpi_snd_mss;
    public uint tcpi_rcv_mss;
    public uint tcpi_unacked;
    public uint tcpi_sacked;
    public uint tcpi_lost;
    public uint tcpi_retrans;
    public uint tcpi_fackets;
    public uint tcpi_last_data_sent;
    public uint tcpi_last_ack_sent;
    public uint tcpi_last_data_recv;
    public uint tcpi_last_ack_recv;
}
