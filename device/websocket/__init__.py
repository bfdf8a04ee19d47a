"""A WebSocket client (RFC 6455) for MicroPython: pure codec, pure handshake, thin asyncio shell."""
