// Package a takes a second to initialise.
package a

import "time"

func init() { time.Sleep(time.Second) }
