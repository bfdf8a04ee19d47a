"""What the relay may ask of the toy; docs/protocol.md lists it. Loaded while one is carried out."""

from device import messages
from device.audio.earcon import Earcon
from device.health import FIRMWARE
from device.light import Look
from device.messages import CommandError
from device.states import IN_CONVERSATION
from device.unload import unload

HERE_MS = 10000  # that the light of a toy which is looked for blinks


async def answer(message, toy):
    """Carry out a command message on `toy`; return the message with its result."""
    try:
        value = await run(message["name"], message["args"], toy)
        return messages.result(message["id"], value)
    except CommandError as error:
        return messages.result(message["id"], error=str(error))


async def run(name, args, toy):
    """Carry out the command `name` on `toy`; return the value of its result, or CommandError."""
    command = _COMMANDS.get(name)
    if command is None:
        raise CommandError("unknown command")
    return await command(toy, args)


async def _status(toy, _args):
    """Everything that can be told about the toy; no secrets."""
    told = toy.health.vital_signs(toy)
    told["state"] = toy.state
    told["firmware"] = FIRMWARE
    told["board"] = toy.board.name
    told["volume"] = toy.volume.percent
    told["volume_ceiling"] = toy.volume.ceiling
    told["safe_mode"] = toy.safe
    told["bad_messages"] = toy.health.bad_messages
    return told


async def _volume(toy, args):
    percent = args.get("percent")
    if type(percent) is not int or not 0 <= percent <= 100:
        raise CommandError("percent must be a whole number from 0 to 100")
    return toy.volume.set(percent)


async def _chirp(toy, _args):
    _refuse_in_conversation(toy)
    toy.speaker.chirp(Earcon.CHIRP)
    toy.show(Look.HERE, HERE_MS)
    return True


async def _wifi_status(toy, _args):
    from device import network_commands

    try:
        return network_commands.status(toy.wifi)
    finally:
        unload("device.network_commands")


async def _wifi_scan(toy, _args):
    return await _on_networks("scan", toy)  # everything stands still for 2 to 3 s


async def _wifi_add(toy, args):
    return await _on_networks("add", toy, args)  # writing to flash stops the sound


async def _wifi_forget(toy, args):
    return await _on_networks("forget", toy, args)


async def _on_networks(name, toy, *args):
    _refuse_in_conversation(toy)
    from device import network_commands  # used rarely: not in memory before, nor afterwards

    try:
        return await getattr(network_commands, name)(toy, *args)
    finally:
        unload("device.network_commands")


async def _update_begin(toy, args):
    _refuse_in_conversation(toy)  # writing to flash stops the sound
    return await _update().begin(toy, args)


async def _update_data(toy, args):
    _refuse_in_conversation(toy)
    return await _update().write(toy, args)


async def _update_apply(toy, args):
    _refuse_in_conversation(toy)
    return await _update().apply(toy, args)


def _update():
    from device.update import commands  # leaves the memory again when the update is over

    return commands


async def _restart(toy, _args):
    toy.restart_soon()
    return True


def _refuse_in_conversation(toy):
    if toy.state in IN_CONVERSATION:
        raise CommandError("busy")


_COMMANDS = {
    "status": _status,
    "volume": _volume,
    "chirp": _chirp,
    "wifi_status": _wifi_status,
    "wifi_scan": _wifi_scan,
    "wifi_add": _wifi_add,
    "wifi_forget": _wifi_forget,
    "update_begin": _update_begin,
    "update_data": _update_data,
    "update_apply": _update_apply,
    "restart": _restart,
}
