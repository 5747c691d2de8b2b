namespace CollectivesSharp;

/// <summary>A host communicator whose abort word (at <see cref="SegmentLayout.AbortOffset"/>) lies in memory that all ranks map: kernels read it there.</summary>
internal interface ISegmentOwner
{
    SharedSegment Segment { get; }

    /// <summary>Ends the group because these ranks did not come in time. Ranks in the group.</summary>
    void RaiseSilent(IReadOnlyCollection<int> missing);
}
