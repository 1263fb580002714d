"""The scripts that the actions run. ``$p`` holds what they are given; each prints JSON."""

from __future__ import annotations

AS_JSON = "|ConvertTo-Json -Compress -Depth 3"
_TIME = "{if($_.%s){$_.%s.ToUniversalTime().ToString('s')+'Z'}}"


def _time(name: str, field: str) -> str:
    return "@{n='" + name + "';e=" + _TIME % (field, field) + "}"


SYSTEM = (
    "$o=Get-CimInstance Win32_OperatingSystem;$c=Get-CimInstance Win32_ComputerSystem\n"
    "@{name=$c.DNSHostName;domain=$c.Domain;os=$o.Caption;version=$o.Version;arch=$o.OSArchitecture;"
    "booted=$o.LastBootUpTime.ToUniversalTime().ToString('s')+'Z';user=$c.UserName;"
    "addresses=@(Get-NetIPAddress|Where-Object {$_.InterfaceAlias -notlike 'Loopback*'}|ForEach-Object {$_.IPAddress})}"
    + AS_JSON
)
PROCESSES = (
    "Get-CimInstance Win32_Process|ForEach-Object {$o=Invoke-CimMethod $_ GetOwner -ErrorAction SilentlyContinue;"
    "@{pid=$_.ProcessId;parent=$_.ParentProcessId;name=$_.Name;command=$_.CommandLine;path=$_.ExecutablePath;user=$o.User;"
    "started=$(if($_.CreationDate){$_.CreationDate.ToUniversalTime().ToString('s')+'Z'})}}" + AS_JSON
)
CONNECTIONS = (
    "$n=@{};Get-Process|ForEach-Object {$n[$_.Id]=$_.ProcessName}\n"
    "@(Get-NetTCPConnection|ForEach-Object {@{protocol='tcp';state=\"$($_.State)\";local=$_.LocalAddress;lport=$_.LocalPort;"
    "remote=$_.RemoteAddress;rport=$_.RemotePort;pid=$_.OwningProcess;process=$n[[int]$_.OwningProcess]}})+"
    "@(Get-NetUDPEndpoint|ForEach-Object {@{protocol='udp';state='unconnected';local=$_.LocalAddress;lport=$_.LocalPort;"
    "pid=$_.OwningProcess;process=$n[[int]$_.OwningProcess]}})" + AS_JSON
)
SESSIONS = (
    "Get-CimInstance Win32_LogonSession|Where-Object {$_.LogonType -in 2,10,11}|ForEach-Object {$s=$_;"
    "Get-CimAssociatedInstance $s -ResultClassName Win32_Account -ErrorAction SilentlyContinue|ForEach-Object {"
    "@{user=$_.Name;kind=$s.LogonType;since=$s.StartTime.ToUniversalTime().ToString('s')+'Z';id=\"$($s.LogonId)\"}}}"
    + AS_JSON
)
SERVICES = "Get-CimInstance Win32_Service|Select-Object Name,DisplayName,State,StartMode,StartName" + AS_JSON
SERVICE = (
    'Get-CimInstance Win32_Service -Filter ("Name=\'"+$p.service+"\'")|Select-Object Name,State,StartMode' + AS_JSON
)
STOP = "Set-Service $p.service -StartupType Disabled;Stop-Service $p.service -Force"
START = "Set-Service $p.service -StartupType Automatic;Start-Service $p.service"
HASH = (
    "$f=Get-Item -LiteralPath $p.path -Force;@{path=$f.FullName;size=$f.Length;"
    "sha256=(Get-FileHash -LiteralPath $p.path -Algorithm SHA256).Hash.ToLower()}" + AS_JSON
)
PROCESS = (
    "Get-Process -Id $p.pid -ErrorAction SilentlyContinue|ForEach-Object {@{pid=$_.Id;name=$_.ProcessName}}" + AS_JSON
)
KILL = "Stop-Process -Id $p.pid -Force -ErrorAction SilentlyContinue"
USER = "Get-LocalUser -Name $p.user|Select-Object Name,Enabled,FullName,Description" + AS_JSON
DISABLE = "Disable-LocalUser -Name $p.user"
ENABLE = "Enable-LocalUser -Name $p.user"
LOG_OFF = (
    "$n=0;(quser 2>$null)|Select-Object -Skip 1|ForEach-Object {$w=($_ -replace '^>',' ').Trim() -split '\\s+';"
    "if($w[0] -eq $p.user){$i=@($w|Where-Object {$_ -match '^\\d+$'})[0];logoff $i;$n++}};@{ended=$n}" + AS_JSON
)
RULES = (
    "Get-NetFirewallRule -Enabled True|ForEach-Object {$a=$_|Get-NetFirewallAddressFilter;$f=$_|Get-NetFirewallPortFilter;"
    '@{rule=$_.Name;name=$_.DisplayName;direction="$($_.Direction)";action="$($_.Action)";remote=@($a.RemoteAddress)-join \',\';'
    "protocol=\"$($f.Protocol)\";port=@($f.LocalPort)-join ','}}" + AS_JSON
)
BLOCKED = (
    "Get-NetFirewallRule -Group repertory -ErrorAction SilentlyContinue|ForEach-Object {"
    "@{rule=$_.Name;ip=@(($_|Get-NetFirewallAddressFilter).RemoteAddress)-join ','}}" + AS_JSON
)
BLOCK = (
    "foreach($d in 'Inbound','Outbound'){$null=New-NetFirewallRule -Name ('repertory-'+$d+'-'+$p.ip)"
    " -DisplayName ('repertory '+$p.ip) -Group repertory -Direction $d -Action Block -RemoteAddress $p.ip -Profile Any}"
)
UNBLOCK = (
    "foreach($d in 'Inbound','Outbound'){"
    "Remove-NetFirewallRule -Name ('repertory-'+$d+'-'+$p.ip) -ErrorAction SilentlyContinue}"
)
HOTFIXES = "Get-HotFix|Select-Object HotFixID,Description," + _time("Installed", "InstalledOn") + AS_JSON
WHO = '@{name=$env:COMPUTERNAME;version="$($PSVersionTable.PSVersion)"}' + AS_JSON
