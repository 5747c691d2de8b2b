using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Unit.Interop;

public sealed unsafe class MpiAbiTests
{
    [Fact]
    public void A_handle_of_MPICH_takes_four_bytes_and_leaves_its_neighbours_alone()
    {
        byte[] handles = [1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3];
        fixed (byte* first = handles)
        {
            MpiAbi.Mpich.WriteHandle(first + 4, MpiAbi.Mpich.MPI_REQUEST_NULL);
            Assert.Equal(MpiAbi.Mpich.MPI_REQUEST_NULL, MpiAbi.Mpich.ReadHandle(first + 4));
        }

        Assert.Equal([1, 1, 1, 1, 0, 0, 0, 0x2c, 3, 3, 3, 3], handles);
    }

    [Fact]
    public void A_library_without_Open_MPIs_objects_is_not_taken_for_it() =>
        Assert.Throws<EntryPointNotFoundException>(() => MpiAbi.OpenMpi(System.Runtime.InteropServices.NativeLibrary.Load("libc.so.6")));
}
