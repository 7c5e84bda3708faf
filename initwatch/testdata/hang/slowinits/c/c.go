// Package c takes a second to initialise.
package c

import "time"

func init() { time.Sleep(time.Second) }
