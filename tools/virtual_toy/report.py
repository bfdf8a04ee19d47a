"""Replies in words and in JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tools.virtual_toy.reply import Reply
from tools.virtual_toy.toy import VirtualToy


def as_json(reply: Reply, question: str, saved: Path | None) -> dict[str, Any]:
    """Return one question's row: times in seconds of time.monotonic(), durations in ms."""
    return {
        "question": question,
        "answered": reply.answered,
        "pressed_at": reply.pressed_at,
        "released_at": reply.released_at,
        "last_voiced_at": reply.last_voiced_at,
        "first_sample_at": reply.first_sample_at,
        "first_earcon_at": reply.first_earcon_at,
        "first_speech_at": reply.first_speech_at,
        "ended_at": reply.ended_at,
        "interrupted_at": reply.interrupted_at,
        "first_sound_ms": reply.first_sound_ms,
        "voice_to_voice_ms": reply.voice_to_voice_ms,
        "reply_ms": reply.duration_ms,
        "silenced_ms": reply.silenced_ms,
        "gaps_ms": list(reply.gaps_ms),
        "looks": list(reply.looks),
        "saved": None if saved is None else str(saved),
    }


def totals(replies: list[tuple[Reply, dict[str, Any]]], toy: VirtualToy) -> dict[str, Any]:
    """Return the sums over all questions."""
    lost = [e for e in toy.events if e.name == "microphone" and e.detail.startswith("lost")]
    return {
        "questions": len(replies),
        "answered": sum(reply.answered for reply, _ in replies),
        "gaps": sum(len(reply.gaps_ms) for reply, _ in replies),
        "microphone_overruns": len(lost),
        "boots": toy.boots,
        "connections": toy.air.connections,
    }


def describe(reply: Reply, question: str, saved: Path | None) -> str:
    """Return a line for people."""
    if not reply.answered:
        return f"{question}: no spoken answer (light: {', '.join(reply.looks) or 'unchanged'})"
    parts = [f"{question}: {reply.duration_ms / 1000:.1f} s of answer"]
    if reply.voice_to_voice_ms is not None:
        parts.append(f"{reply.voice_to_voice_ms:.0f} ms after the last word")
    if reply.silenced_ms is not None:
        parts.append(f"silent {reply.silenced_ms:.0f} ms after the squeeze")
    if reply.gaps_ms:
        parts.append(f"{len(reply.gaps_ms)} gaps, {sum(reply.gaps_ms):.0f} ms")
    if saved is not None:
        parts.append(f"saved as {saved}")
    return ", ".join(parts)
