namespace CollectivesSharp;

/// <summary>An environment in which a variable set to the empty string counts as unset.</summary>
internal sealed class EnvironmentVariables(IReadOnlyDictionary<string, string> variables)
{
    /// <summary>The first of the names that is set.</summary>
    public EnvironmentVariable? Find(params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
        {
            if (variables.TryGetValue(name, out string? value) && !string.IsNullOrEmpty(value))
                return new EnvironmentVariable(name, value);
        }

        return null;
    }

    public string? Value(params ReadOnlySpan<string> names) => Find(names)?.Value;
}
