using System.Text.Json;
using System.Text.Json.Serialization;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>A table as it is kept and sent. What is read is believed only if every part of it makes sense.</summary>
internal sealed record AllReduceTuningFile(int Format, string Key, int WorldSize, AllReduceTuningFile.Table[] Tables, string Sum)
{
    internal const int CurrentFormat = 4;

    internal sealed record Band(ulong UpTo, string Route);

    internal sealed record Table(string Type, bool IsCaptured, bool IsSymmetric, bool IsRegistered, Band[] Bands);

    internal static byte[] Write(string key, AllReduceTuning tuning)
    {
        Table[] tables = [.. tuning.Tables.Select(table => new Table(table.Type.ToString(), table.IsCaptured, table.IsSymmetric, table.IsRegistered, [.. table.Bands.Select(band => new Band(band.UpTo, band.Route.ToString()))]))];
        AllReduceTuningFile file = new(CurrentFormat, key, tuning.WorldSize, tables, "");
        return JsonSerializer.SerializeToUtf8Bytes(file with { Sum = file.ComputeSum() }, AllReduceTuningJson.Default.AllReduceTuningFile);
    }

    /// <summary>Null, and why the text is of no use to a group with such a key.</summary>
    internal static AllReduceTuning? Read(ReadOnlySpan<byte> text, string key, int worldSize, out string? reason)
    {
        AllReduceTuningFile? file;
        try
        {
            file = JsonSerializer.Deserialize(text, AllReduceTuningJson.Default.AllReduceTuningFile);
        }
        catch (JsonException e)
        {
            reason = $"it is damaged: {e.Message}";
            return null;
        }

        reason = file?.Tables is null || file.Tables.Any(table => table?.Bands is null || table.Bands.Any(band => band is null)) ? "it is damaged: parts are missing"
            : file.Format != CurrentFormat ? $"it has format {file.Format}, of another version; here it is {CurrentFormat}"
            : file.Sum != file.ComputeSum() ? "it is damaged: its checksum is another"
            : file.Key != key ? $"it was made for other ranks or versions: {file.Key}; here: {key}"
            : file.WorldSize != worldSize ? $"it is for {file.WorldSize} ranks; here are {worldSize}"
            : null;
        if (reason is not null)
            return null;
        List<AllReduceBands> tables = [];
        foreach (Table table in file!.Tables)
        {
            List<AllReduceBand> bands = [];
            foreach (Band band in table.Bands)
            {
                if (!IsName(band.Route, out AllReduceRoute route) || route == AllReduceRoute.None || (bands.Count > 0 && band.UpTo <= bands[^1].UpTo))
                    reason = $"it knows a band that is none here: {band}";
                bands.Add(new((nuint)band.UpTo, route));
            }

            if (!IsName(table.Type, out DataType type))
                reason = $"it has a table of a type that is none here: {table.Type}";
            tables.Add(new(type, table.IsCaptured, bands) { IsSymmetric = table.IsSymmetric, IsRegistered = table.IsRegistered });
        }

        return reason is null ? new AllReduceTuning(worldSize, tables) : null;
    }

    private static bool IsName<T>(string? text, out T value)
        where T : struct, Enum
    {
        value = default;
        return text is not null && Enum.GetNames<T>().Contains(text, StringComparer.Ordinal) && Enum.TryParse(text, out value);
    }

    private string ComputeSum() => GroupFormation.Digest(string.Join('\n', [
        FormattableString.Invariant($"{Format}|{Key}|{WorldSize}"),
        .. Tables.Select(table => FormattableString.Invariant($"{table.Type}|{table.IsCaptured}|{table.IsSymmetric}|{table.IsRegistered}|{string.Join(',', table.Bands.Select(band => FormattableString.Invariant($"{band.UpTo}:{band.Route}")))}")),
    ]));
}

[JsonSourceGenerationOptions(WriteIndented = true)]
[JsonSerializable(typeof(AllReduceTuningFile))]
internal sealed partial class AllReduceTuningJson : JsonSerializerContext;
