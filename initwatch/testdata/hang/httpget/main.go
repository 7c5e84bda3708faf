// Command httpget does not reach main: an init asks a server that does not answer.
package main

import _ "github.com/roster-go/roster/initwatch/testdata/hang/httpget/dep" // hangs

func main() { println("main was here") }
