using System.Reflection;
using System.Security.Cryptography;
using System.Text;

namespace CollectivesSharp.Cuda;

/// <summary>CUDA C++ for NVRTC: one file, and the headers that it may include by name. No other include is found.</summary>
/// <param name="Name">Names the file in errors: "pattern.cu".</param>
/// <param name="Text">The source.</param>
/// <param name="Headers">Name, as in <c>#include "name"</c>, to text.</param>
public sealed record KernelSource(string Name, string Text, IReadOnlyDictionary<string, string> Headers)
{
    public KernelSource(string name, string text)
        : this(name, text, new Dictionary<string, string>())
    {
    }

    /// <summary>From the resources of an assembly; throws <see cref="ArgumentException"/> that lists what there is.</summary>
    public static KernelSource FromResource(Assembly assembly, string name, params ReadOnlySpan<string> headers)
    {
        ArgumentNullException.ThrowIfNull(assembly);
        Dictionary<string, string> texts = [];
        foreach (string header in headers)
            texts[header] = Read(assembly, header);
        return new KernelSource(name, Read(assembly, name), texts);
    }

    /// <summary>Changes with every byte that the compiler sees.</summary>
    internal string Digest(string salt)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(salt);
        Append(Name);
        Append(Text);
        foreach ((string header, string text) in Headers.OrderBy(item => item.Key, StringComparer.Ordinal))
        {
            Append(header);
            Append(text);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());

        void Append(string part)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(part);
            hash.AppendData(BitConverter.GetBytes(bytes.Length));
            hash.AppendData(bytes);
        }
    }

    private static string Read(Assembly assembly, string name)
    {
        string? resource = assembly.GetManifestResourceNames().SingleOrDefault(item => item == name || item.EndsWith('.' + name, StringComparison.Ordinal));
        if (resource is null)
            throw new ArgumentException($"{assembly.GetName().Name} has no resource {name}; it has {string.Join(", ", assembly.GetManifestResourceNames().DefaultIfEmpty("none"))}.", nameof(name));
        using Stream stream = assembly.GetManifestResourceStream(resource)!;
        using StreamReader reader = new(stream);
        return reader.ReadToEnd();
    }
}
