using System.Runtime.InteropServices;

namespace CollectivesSharp;

/// <summary>A message that came, or was announced, before this rank asked for it. Reused: a receive in the steady state allocates nothing.</summary>
internal sealed unsafe class UnexpectedMessage : IDisposable
{
    private nuint _capacity;

    internal int Source { get; private set; }

    internal Frame Frame { get; private set; }

    /// <summary>Short messages are here whole once <see cref="IsComplete"/>; of long ones only the announcement is.</summary>
    internal bool IsShort => Frame.Kind == FrameKind.Message;

    internal bool IsComplete { get; set; }

    internal byte* Data { get; private set; }

    internal void Begin(int source, Frame frame)
    {
        Source = source;
        Frame = frame;
        IsComplete = false;
        nuint bytes = IsShort ? (nuint)frame.Length : 0;
        if (bytes <= _capacity)
            return;
        Data = (byte*)NativeMemory.Realloc(Data, bytes);
        _capacity = bytes;
    }

    public void Dispose()
    {
        NativeMemory.Free(Data);
        Data = null;
        _capacity = 0;
    }
}
