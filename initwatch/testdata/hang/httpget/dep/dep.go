// Package dep asks a server that accepts and does not answer.
package dep

import (
	"net"
	"net/http"
)

func init() {
	fetch() // init.0: http
}

func fetch() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	response, err := http.Get("http://" + l.Addr().String() + "/config") // waits
	if err != nil {
		panic(err)
	}
	_ = response.Body.Close()
}
