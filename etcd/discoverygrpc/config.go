package discoverygrpc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"google.golang.org/grpc/serviceconfig"

	"github.com/roster-go/roster/discovery/pick"
)

// A Config is the JSON of the balancer in a service config. Its fields are those of
// [pick.Options]; what is left out has the default there. Durations are texts such as
// "1.5s".
type Config struct {
	serviceconfig.LoadBalancingConfig `json:"-"`

	Policy     pick.Policy `json:"policy,omitempty"`
	Region     string      `json:"region,omitempty"`
	Zone       string      `json:"zone,omitempty"`
	Subset     int         `json:"subset,omitempty"`
	Client     string      `json:"client,omitempty"`
	LoadFactor float64     `json:"load_factor,omitempty"`
	Decay      Duration    `json:"decay,omitempty"`
	Outliers   Outliers    `json:"outliers,omitzero"`
}

// Outliers is the JSON of [pick.Outliers].
type Outliers struct {
	Disabled bool     `json:"disabled,omitempty"`
	Failures int      `json:"failures,omitempty"`
	Ejection Duration `json:"ejection,omitempty"`
	MaxShare float64  `json:"max_share,omitempty"`
}

// A Duration is written as a text such as "1.5s".
type Duration time.Duration

// MarshalText implements [encoding.TextMarshaler].
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = Duration(parsed)
	return err //nolint:wrapcheck // encoding/json says where
}

func configOf(o pick.Options) Config {
	return Config{
		Policy: o.Policy, Region: o.Region, Zone: o.Zone, Subset: o.Subset, Client: o.Client,
		LoadFactor: o.LoadFactor, Decay: Duration(o.Decay),
		Outliers: Outliers{
			Disabled: o.Outliers.Disabled, Failures: o.Outliers.Failures,
			Ejection: Duration(o.Outliers.Ejection), MaxShare: o.Outliers.MaxShare,
		},
	}
}

func (c Config) options() pick.Options {
	return pick.Options{
		Policy: c.Policy, Region: c.Region, Zone: c.Zone, Subset: c.Subset, Client: c.Client,
		LoadFactor: c.LoadFactor, Decay: time.Duration(c.Decay),
		Outliers: pick.Outliers{
			Disabled: c.Outliers.Disabled, Failures: c.Outliers.Failures,
			Ejection: time.Duration(c.Outliers.Ejection), MaxShare: c.Outliers.MaxShare,
		},
	}
}

// ParseConfig implements [google.golang.org/grpc/balancer.ConfigParser]. Unknown fields
// are refused.
func (builder) ParseConfig(text json.RawMessage) (serviceconfig.LoadBalancingConfig, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var config Config
	if err := decoder.Decode(&config); err != nil {
		return nil, fmt.Errorf("discoverygrpc: the config of the balancer %q: %w", BalancerName, err)
	}
	if _, err := pick.NewPool(config.options()); err != nil {
		return nil, fmt.Errorf("discoverygrpc: the config of the balancer %q: %w", BalancerName, err)
	}
	return &config, nil
}
