namespace CollectivesSharp;

/// <summary>Why a group ended, once: who is to blame (subject), who found out (by), both as ranks in the group.</summary>
internal sealed record MpiCause(AbortWord.Kind Kind, int Subject, int By, string Text);
