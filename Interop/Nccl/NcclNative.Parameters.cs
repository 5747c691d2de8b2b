using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

public static unsafe partial class NcclNative
{
    /// <summary>NCCL 2.30.3 or newer.</summary>
    public static ncclResult_t ncclParamBind(nint* @out, byte* key)
    {
        try { return Optional.ncclParamBind(@out, key); }
        catch (EntryPointNotFoundException missing) { throw NcclFeatures.Missing(nameof(ncclParamBind), missing); }
    }

    /// <summary>NCCL 2.30.3 or newer.</summary>
    public static ncclResult_t ncclParamGetI8(nint h, sbyte* @out)
    {
        try { return Optional.ncclParamGetI8(h, @out); }
        catch (EntryPointNotFoundException missing) { throw NcclFeatures.Missing(nameof(ncclParamGetI8), missing); }
    }

    /// <summary>NCCL 2.30.3 or newer.</summary>
    public static ncclResult_t ncclParamGetI16(nint h, short* @out)
    {
        try { return Optional.ncclParamGetI16(h, @out); }
        catch (EntryPointNotFoundException missing) { throw NcclFeatures.Missing(nameof(ncclParamGetI16), missing); }
    }

    /// <summary>NCCL 2.30.3 or newer.</summary>
    public static ncclResult_t ncclParamGetI32(nint h, int* @out)
    {
        try { return Optional.ncclParamGetI32(h, @out); }
        catch (EntryPointNotFoundException missing) { throw NcclFeatures.Missing(nameof(ncclParamGetI32), missing); }
    }

    /// <summary>NCCL 2.30.3 or newer.</summary>
    public static ncclResult_t ncclParamGetI64(nint h, long* @out)
    {
        try { return Optional.ncclParamGetI64(h, @out); }
        catch (EntryPointNotFoundException missing) { throw NcclFeatures.Missing(nameof(ncclParamGetI64), missing); }
    }

    /// <summary>NCCL 2.30.3 or newer.</summary>
    public static ncclResult_t ncclParamGetU8(nint h, byte* @out)
    {
        try { return Optional.ncclParamGetU8(h, @out); }
        catch (EntryPointNotFoundException missing) { throw NcclFeatures.Missing(nameof(ncclParamGetU8), missing); }
    }

    /// <summary>NCCL 2.30.3 or newer.</summary>
    public static ncclResult_t ncclParamGetU16(nint h, ushort* @out)
    {
        try { return Optional.ncclParamGetU16(h, @out); }
        catch (EntryPointNotFoundException missing) { throw NcclFeatures.Missing(nameof(ncclParamGetU16), missing); }
    }

    /// <summary>NCCL 2.30.3 or newer.</summary>
    public static ncclResult_t ncclParamGetU32(nint h, uint* @out)
    {
        try { return Optional.ncclParamGetU32(h, @out); }
        catch (EntryPointNotFoundException missing) { throw NcclFeatures.Missing(nameof(ncclParamGetU32), missing); }
    }

    /// <summary>NCCL 2.30.3 or newer.</summary>
    public static ncclResult_t ncclParamGetU64(nint h, ulong* @out)
    {
        try { return Optional.ncclParamGetU64(h, @out); }
        catch (EntryPointNotFoundException missing) { throw NcclFeatures.Missing(nameof(ncclParamGetU64), missing); }
    }

    /// <summary>NCCL 2.30.3 or newer.</summary>
    public static ncclResult_t ncclParamGetStr(nint h, byte** @out)
    {
        try { return Optional.ncclParamGetStr(h, @out); }
        catch (EntryPointNotFoundException missing) { throw NcclFeatures.Missing(nameof(ncclParamGetStr), missing); }
    }

    /// <summary>NCCL 2.30.3 or newer.</summary>
    public static ncclResult_t ncclParamGet(nint h, void* @out, int maxLen, int* len)
    {
        try { return Optional.ncclParamGet(h, @out, maxLen, len); }
        catch (EntryPointNotFoundException missing) { throw NcclFeatures.Missing(nameof(ncclParamGet), missing); }
    }

    /// <summary>NCCL 2.30.3 or newer.</summary>
    public static ncclResult_t ncclParamGetParameter(byte* key, byte** value, int* valueLen)
    {
        try { return Optional.ncclParamGetParameter(key, value, valueLen); }
        catch (EntryPointNotFoundException missing) { throw NcclFeatures.Missing(nameof(ncclParamGetParameter), missing); }
    }

    /// <summary>NCCL 2.30.3 or newer.</summary>
    public static ncclResult_t ncclParamGetAllParameterKeys(byte*** table, int* tableLen)
    {
        try { return Optional.ncclParamGetAllParameterKeys(table, tableLen); }
        catch (EntryPointNotFoundException missing) { throw NcclFeatures.Missing(nameof(ncclParamGetAllParameterKeys), missing); }
    }

    /// <summary>NCCL 2.30.3 or newer.</summary>
    public static void ncclParamDumpAll()
    {
        try { Optional.ncclParamDumpAll(); }
        catch (EntryPointNotFoundException missing) { throw NcclFeatures.Missing(nameof(ncclParamDumpAll), missing); }
    }

    private static partial class Optional
    {
        [LibraryImport(NativeLibraryLocator.Nccl)]
        internal static partial ncclResult_t ncclParamBind(nint* @out, byte* key);

        [LibraryImport(NativeLibraryLocator.Nccl)]
        internal static partial ncclResult_t ncclParamGetI8(nint h, sbyte* @out);

        [LibraryImport(NativeLibraryLocator.Nccl)]
        internal static partial ncclResult_t ncclParamGetI16(nint h, short* @out);

        [LibraryImport(NativeLibraryLocator.Nccl)]
        internal static partial ncclResult_t ncclParamGetI32(nint h, int* @out);

        [LibraryImport(NativeLibraryLocator.Nccl)]
        internal static partial ncclResult_t ncclParamGetI64(nint h, long* @out);

        [LibraryImport(NativeLibraryLocator.Nccl)]
        internal static partial ncclResult_t ncclParamGetU8(nint h, byte* @out);

        [LibraryImport(NativeLibraryLocator.Nccl)]
        internal static partial ncclResult_t ncclParamGetU16(nint h, ushort* @out);

        [LibraryImport(NativeLibraryLocator.Nccl)]
        internal static partial ncclResult_t ncclParamGetU32(nint h, uint* @out);

        [LibraryImport(NativeLibraryLocator.Nccl)]
        internal static partial ncclResult_t ncclParamGetU64(nint h, ulong* @out);

        [LibraryImport(NativeLibraryLocator.Nccl)]
        internal static partial ncclResult_t ncclParamGetStr(nint h, byte** @out);

        [LibraryImport(NativeLibraryLocator.Nccl)]
        internal static partial ncclResult_t ncclParamGet(nint h, void* @out, int maxLen, int* len);

        [LibraryImport(NativeLibraryLocator.Nccl)]
        internal static partial ncclResult_t ncclParamGetParameter(byte* key, byte** value, int* valueLen);

        [LibraryImport(NativeLibraryLocator.Nccl)]
        internal static partial ncclResult_t ncclParamGetAllParameterKeys(byte*** table, int* tableLen);

        [LibraryImport(NativeLibraryLocator.Nccl)]
        internal static partial void ncclParamDumpAll();
    }
}
