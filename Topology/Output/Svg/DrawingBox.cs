namespace CollectivesSharp.Topology;

/// <summary>A rectangle of a drawing with its size and what lies in it, at places relative to it; pixels.</summary>
internal sealed record DrawingBox(string First, string Second, object? Device, int Width, int Height, IReadOnlyList<(DrawingBox Box, int X, int Y)> Children);
