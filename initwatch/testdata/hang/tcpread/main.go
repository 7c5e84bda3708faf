// Command tcpread does not reach main: an init reads from a peer that is silent.
package main

import _ "github.com/roster-go/roster/initwatch/testdata/hang/tcpread/dep" // hangs

func main() { println("main was here") }
