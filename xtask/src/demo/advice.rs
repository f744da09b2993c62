//! What to try while the demo is left running.

use anyhow::Result;
use gateway_tests::{bed::Bed, programs::Programs};

pub(super) fn text(bed: &Bed) -> Result<String> {
    let programs = Programs::get()?;
    let client = format!("nsenter --net=/run/netns/{}", bed.client.name());
    let node = format!("nsenter --net=/run/netns/{}", bed.node.name());
    let config = bed.config.dir().display().to_string();
    let pins = bed.net.pins().display().to_string();
    let gateway = programs.gateway.display();
    let peer = programs.peer.display();
    Ok(format!(
        "The demo is running. Try, as root in another terminal:

HTTP   {client} curl -H 'Host: hello.example.com' http://10.77.0.100/
       {client} curl -H 'Host: canary.example.com' -H 'X-Version: v2' http://10.77.0.100/
       {client} curl -i -H 'Host: secure.example.com' http://10.77.0.100/login
TCP    {client} bash -c 'exec 3<>/dev/tcp/10.77.0.100/9000; head -1 <&3; echo hi >&3; head -1 <&3'
       {client} {peer} tcp --to 10.77.0.100:9000 --bytes 1000000000
UDP    {client} {peer} udp --to 10.77.0.100:53 --count 10
       {client} dig @10.77.0.100 hello.example.com TXT
state  {node} {gateway} status
       {node} curl http://127.0.0.1:9901/metrics
       bpftool map dump pinned {pins}/v1/maps/flows
change sed -i 's/weight: 80/weight: 0/' {config}/http-split.yaml
break  echo 'kind: HTTPRoute' > {config}/bad.yaml    (then look at the status again)

Enter or Ctrl-C ends it and removes everything."
    ))
}
