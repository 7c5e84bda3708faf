//go:build !unix

package initwatch

import "os/exec"

func leash(*exec.Cmd) {}
