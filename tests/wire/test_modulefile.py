"""What is read from the module that the service makes for a caller."""

from __future__ import annotations

import base64
import time

import pytest

from bulkexo.wire.modulefile import cmdlets

MODULE = r"""
$script:PublicKey = '<RSAKeyValue>it''s</RSAKeyValue>'
<# function Not-This { param([string] ${No}) } #>
function Get-Mailbox
{
    [CmdletBinding(DefaultParameterSetName='Identity')]
    param(
    # who (or what), and where
    [Parameter(ParameterSetName='Identity', Position=0, ValueFromPipeline=$true)]
    [Alias('Who', "Name")]
    [ValidateNotNull()]
    [System.Object]
    ${Identity},

    [Parameter(ParameterSetName='Anr')] [string] ${Anr},
    [switch] ${Archive} = $false,
    [System.Management.Automation.SwitchParameter] $PublicFolder,
    [Microsoft.Exchange.Data.Unlimited[uint32]]
    ${ResultSize} = @{ a = (1, 2); b = $other },
    [string[]] ${Properties})

    Execute-Command -CmdletName 'Get-Mailbox' -Parameters @{ function = $true }
}

function global:Get-Nothing { [CmdletBinding()] param() }
function Get-Less { 'no parameters' }
function helper { param([string] ${Hidden}) }
Export-ModuleMember -Function @('Get-Mailbox')
"""


def test_functions_and_their_parameters() -> None:
    found = cmdlets({"value": [{"exportedCmdlets": "Get-Mailbox", "moduleFile": MODULE}]})
    assert found["Get-Mailbox"] == {
        "Identity": "",
        "Anr": "String",
        "Archive": "SwitchParameter",
        "PublicFolder": "SwitchParameter",
        "ResultSize": "Microsoft.Exchange.Data.Unlimited[uint32]",
        "Properties": "string[]",
    }
    assert found["Get-Nothing"] == {}
    assert "Hidden" not in str(found)


@pytest.mark.parametrize(
    "body", [MODULE, [MODULE], {"a": {"b": [base64.b64encode(MODULE.encode()).decode()]}}]
)
def test_wherever_the_text_stands(body: object) -> None:
    assert "Get-Mailbox" in cmdlets(body)


@pytest.mark.parametrize("body", [None, "", 7, {}, {"value": []}, "<html>", {"error": "no"}])
def test_an_answer_without_a_module_has_no_cmdlets(body: object) -> None:
    assert cmdlets(body) == {}


@pytest.mark.parametrize("piece", ["<#", "'", '"', "(", "$a,", "[a]", '"`', "# x\n", "'' "])
def test_what_never_ends_takes_no_longer(piece: str) -> None:
    text = "function Get-It { param(" + piece * 200_000
    began = time.process_time()
    cmdlets(text)
    assert time.process_time() - began < 5
