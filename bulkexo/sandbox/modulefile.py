"""The module that the service generates for a caller: what its roles grant, and the key for SecureStrings.

`protocol.md`, "Request" and "Second reading": `GET …/EXOModuleFile` with `CommandName: *` returns the
module text for the caller's roles, and the public key comes with it. Where exactly is not known, and stands
here alone:

- That the body is JSON whose `value` has `exportedCmdlets`, names joined by commas, is what the client CIPP
reads;
  `moduleFile` as the name of the text is a guess.
- That the key is .NET's `<RSAKeyValue>` is what ExoHelper's `EncryptValue` takes; that the text assigns it to
  `$script:PublicKey`, the name that function defaults to, is a guess.

So a client does best to look for `<RSAKeyValue>…</RSAKeyValue>` anywhere in the body.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bulkexo.sandbox.parameters import CLIENT_SIDE, Signature
from bulkexo.sandbox.reply import Reply, success


def module_file(context: str, signatures: Iterable[Signature], wanted: str, key: str) -> Reply:
    """The answer. wanted: the header `CommandName`, `*` or names with commas. key: the public key as XML."""
    names = {name.strip().lower() for name in wanted.split(",")}
    found = [each for each in signatures if "*" in names or each.cmdlet.lower() in names]
    exported = ",".join(each.cmdlet for each in found)
    answer = success(context, [{"exportedCmdlets": exported, "moduleFile": _text(found, key)}], [])
    answer.body["@odata.context"] = f"{context}/$metadata#EXOModuleFile"
    return answer


def _text(signatures: list[Signature], key: str) -> str:
    lines = [f"$script:PublicKey = '{key}'", ""]
    for signature in signatures:
        lines += [f"function {signature.cmdlet} {{", "    [CmdletBinding()]", "    param("]
        lines += [",\n".join(f"        {_parameter(*each)}" for each in signature.types.items())]
        lines += ["    )", f"    Execute-Command -CmdletName '{signature.cmdlet}'", "}", ""]
    names: list[Any] = [f"'{signature.cmdlet}'" for signature in signatures]
    return "\n".join([*lines, f"Export-ModuleMember -Function @({', '.join(names)})", ""])


def _parameter(name: str, kind: str) -> str:
    """Switches and booleans by their type, all else as objects, as about a third of the real ones are."""
    plain = "switch" if kind == "SwitchParameter" or name.lower() == CLIENT_SIDE else "System.Object"
    return f"[{'bool' if kind == 'Boolean' else plain}] ${{{name}}}"
