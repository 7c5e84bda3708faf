// Package dep reads from a peer that says nothing.
package dep

import "net"

var (
	silent = listen()
	peer   = greeting() // init: network
)

func listen() net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	return l
}

func greeting() string {
	c, err := net.Dial("tcp", silent.Addr().String())
	if err != nil {
		panic(err)
	}
	hello := make([]byte, 5)
	_, err = c.Read(hello) // waits
	if err != nil {
		panic(err)
	}
	return string(hello)
}
