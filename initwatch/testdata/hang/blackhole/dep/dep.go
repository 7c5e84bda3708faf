// Package dep connects to a socket whose queue is full: its packets are dropped.
package dep

import (
	"net"
	"strconv"
	"syscall"
)

func init() {
	dial(fullQueue()) // init.0: connect
}

func dial(address string) {
	for {
		c, err := net.Dial("tcp", address) // waits
		if err == nil {
			defer c.Close()
		}
	}
}

// fullQueue listens, does not accept, and fills the queue.
func fullQueue() string {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		panic(err)
	}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		panic(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		panic(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		panic(err)
	}
	port := name.(*syscall.SockaddrInet4).Port
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}
