package plugin

import (
	"os/exec"
	"runtime"
)

// A spawner starts all processes of a host from one OS thread. The kernel sends
// the parent-death signal when the forking thread ends, not the process
// (golang/go#27505), and Go ends idle threads as it likes; this one lives until
// close.
type spawner struct {
	requests chan spawnRequest
	done     chan struct{}
}

type spawnRequest struct {
	cmd   *exec.Cmd
	reply chan error
}

func newSpawner() *spawner {
	s := &spawner{requests: make(chan spawnRequest), done: make(chan struct{})}
	go func() {
		defer close(s.done)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for r := range s.requests {
			r.reply <- r.cmd.Start()
		}
	}()
	return s
}

// start is exec.Cmd.Start. It must not be called after close.
func (s *spawner) start(cmd *exec.Cmd) error {
	r := spawnRequest{cmd: cmd, reply: make(chan error, 1)}
	s.requests <- r
	return <-r.reply
}

// close ends the thread, after every process started on it has ended.
func (s *spawner) close() {
	close(s.requests)
	<-s.done
}
