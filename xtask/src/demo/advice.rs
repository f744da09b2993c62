//! What to try while the demo is left running.

use anyhow::Result;
use gateway_tests::{bed::Bed, daemon::Daemon, programs::Programs};

pub(super) fn text(bed: &Bed, daemon: &Daemon) -> Result<String> {
    let programs = Programs::get()?;
    let names = format!(
        "client='nsenter --net=/run/netns/{}'
node='nsenter --net=/run/netns/{}'
config={}
pins={}
gateway={}
peer={}",
        bed.client.name(),
        bed.node.name(),
        bed.config.dir().display(),
        daemon.pins().display(),
        programs.gateway.display(),
        programs.peer.display(),
    );
    let log = bed.node.log("daemon").display().to_string();
    let commands = COMMANDS
        .replace("PID", &daemon.pid().to_string())
        .replace("LOG", &log);
    Ok(format!(
        "The demo is running. To try it by hand, as root in another terminal:\n\n{names}\n{commands}"
    ))
}

const COMMANDS: &str = "
# HTTP, through hyper
$client curl -s -H 'Host: hello.example.com' http://10.77.0.100/
$client curl -s -H 'Host: canary.example.com' -H 'X-Version: v2' http://10.77.0.100/
$client curl -si -H 'Host: secure.example.com' http://10.77.0.100/login

# TCP and UDP, through XDP; the server says which client it sees
$client bash -c 'exec 3<>/dev/tcp/10.77.0.100/9000; head -1 <&3; echo hi >&3; head -1 <&3'
$client $peer udp --to 10.77.0.100:53 --count 10

# What is in force
$node $gateway status
$node curl -s http://127.0.0.1:9901/metrics
bpftool map dump pinned $pins/v4/maps/flows
tail LOG

# A change, and a broken file: the status names file, document and field
sed -i 's/weight: 80/weight: 0/' $config/http-split.yaml
echo 'kind: HTTPRoute' > $config/bad.yaml; sleep 1; $node $gateway status; rm $config/bad.yaml

# A transfer through a crash of the daemon, and a new one that takes over
$client $peer tcp --to 10.77.0.100:9000 --bytes 100000000 --rate 10000000 &
kill -9 PID; sleep 2; $node $gateway run --config $config --pin-dir $pins

Here, Enter or Ctrl-C ends it and removes everything.";
