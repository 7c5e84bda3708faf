package daemon

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/roster-go/roster"
)

// pluginConfigs makes the registry config.plugins of what the config file has there.
func pluginConfigs(c *Config) (*roster.Hot[json.RawMessage], error) {
	entries, err := c.pluginEntries()
	if err != nil {
		return nil, err
	}
	configs := roster.NewHot[json.RawMessage](roster.Named("config.plugins"))
	if err := configs.Reload(entries); err != nil {
		return nil, &ConfigError{"config.plugins", err.Error(), err}
	}
	return configs, nil
}

func (c *Config) pluginEntries() (map[string]json.RawMessage, error) {
	entries := make(map[string]json.RawMessage, len(c.Config.Plugins))
	for name, config := range c.Config.Plugins {
		text, err := json.Marshal(config)
		if err != nil {
			return nil, &ConfigError{"config.plugins." + name, fmt.Sprintf("it has no JSON form: %v", err), err}
		}
		entries[name] = text
	}
	return entries, nil
}

// followConfig reads the config file again whenever the process gets SIGHUP, and
// brings config.plugins in line with it. A file that cannot be used changes nothing.
func (d *daemon) followConfig(stops *cleanup) {
	if d.config.File == "" {
		return
	}
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-hangups:
			}
			d.service.reloading()
			err := d.rereadConfig()
			d.service.ready()
			if err != nil {
				d.log.Error("the config is not read again, the old one stays", "error", err)
				continue
			}
			d.log.Info("config.plugins is read again; other settings take effect at the next start", "file", d.config.File)
		}
	})
	stops.add(func(context.Context) error {
		signal.Stop(hangups)
		close(stop)
		wg.Wait()
		return nil
	})
}

func (d *daemon) rereadConfig() error {
	var c Config
	if err := ReadConfig(d.config.File, &c); err != nil {
		return err
	}
	entries, err := c.pluginEntries()
	if err != nil {
		return err
	}
	if err := d.pluginConfigs.Reload(entries); err != nil {
		return &ConfigError{"config.plugins", err.Error(), err}
	}
	return nil
}
