//go:build !unix

package top

import "os"

// resizes tells nothing: the size is asked for whenever the screen is drawn.
func resizes() (<-chan os.Signal, func()) { return nil, func() {} }
