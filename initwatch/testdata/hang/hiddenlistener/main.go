// Command hiddenlistener does not reach main: a listener hides a deadlock from the runtime.
package main

import _ "github.com/roster-go/roster/initwatch/testdata/hang/hiddenlistener/dep" // hangs

func main() { println("main was here") }
