module xdp-gateway.dev/xtask/pause

go 1.26.0
