// Package dep resolves a name through a resolver that does not answer.
package dep

import (
	"context"
	"net"
)

func init() {
	resolve("db.example.com") // init.0: dns
}

func resolve(host string) {
	dead, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	r := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", dead.LocalAddr().String())
	}}
	for {
		if _, err := r.LookupHost(context.Background(), host); err == nil { // waits
			return
		}
	}
}
