package tracing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"connectrpc.com/connect"
	"connectrpc.com/otelconnect"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"chatroom/server/internal/logsample"
)

// scope is the name of what creates the spans.
const scope = "chatroom"

// Config configures Open.
type Config struct {
	// Getenv returns the value of a variable. The SDK reads further ones from the environment
	// of the process.
	Getenv func(string) string
	// Version is that of the program.
	Version string
	// Log receives why spans are lost. Nil means slog.Default.
	Log *slog.Logger
}

// Tracing creates and exports spans. A nil Tracing does nothing. Create it with Open.
type Tracing struct {
	provider   *sdk.TracerProvider
	exporter   sdk.SpanExporter // nil if the provider is of a caller of New
	tracer     trace.Tracer
	propagator propagation.TextMapPropagator
	unary      connect.Interceptor
	flights    flights
	commit     commit // used by the goroutine that answers appends
}

// commit is a group commit.
type commit struct {
	began, ended time.Time
	entries      int
}

// protocols are the values of the variables for the protocol.
var protocols = []string{"grpc", "http/protobuf"}

// endpoints are the variables for the endpoint. The first one that is set counts.
var endpoints = []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"}

// Protocol returns the protocol of the exporter that the standard variables ask for, empty for
// none: OTEL_TRACES_EXPORTER is otlp, or it is not set and there is an endpoint. The error
// names a variable. An endpoint that is not a URL is one, too: the SDK would export nothing.
func Protocol(getenv func(string) string) (string, error) {
	if strings.EqualFold(getenv("OTEL_SDK_DISABLED"), "true") {
		return "", nil
	}
	switch exporter := getenv("OTEL_TRACES_EXPORTER"); exporter {
	case "otlp":
	case "none":
		return "", nil
	case "":
		if !slices.ContainsFunc(endpoints, func(name string) bool { return getenv(name) != "" }) {
			return "", nil
		}
	default:
		return "", fmt.Errorf("OTEL_TRACES_EXPORTER: %q: must be otlp or none", exporter)
	}
	for _, name := range endpoints {
		if err := checkEndpoint(getenv(name)); err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		switch protocol := getenv(name); {
		case protocol == "":
		case slices.Contains(protocols, protocol):
			return protocol, nil
		default:
			return "", fmt.Errorf("%s: %q: must be grpc or http/protobuf", name, protocol)
		}
	}
	return "http/protobuf", nil
}

// checkEndpoint returns an error for an endpoint that is set and is not a URL with a host.
func checkEndpoint(endpoint string) error {
	if endpoint == "" {
		return nil
	}
	u, err := url.Parse(endpoint)
	if err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" {
		return nil
	}
	example := "http://localhost:4317"
	if host, port, err := net.SplitHostPort(endpoint); err == nil && host != "" && port != "" && !strings.Contains(endpoint, "/") {
		example = "http://" + endpoint // only the scheme is missing
	}
	return fmt.Errorf("%q: must be a URL of http or https, such as %s", endpoint, example)
}

// Open returns what the standard variables of OpenTelemetry ask for: nil if that is nothing.
// The caller shuts it down.
func Open(ctx context.Context, c Config) (*Tracing, error) {
	protocol, err := Protocol(c.Getenv)
	if err != nil || protocol == "" {
		return nil, err
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	lost := &logsample.Logger{Log: c.Log}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		lost.Warn(context.Background(), "tracing: spans are lost, or a variable of OpenTelemetry is not valid", "err", err)
	}))
	exporter, err := newExporter(ctx, protocol)
	if err != nil {
		return nil, fmt.Errorf("tracing: %w", err)
	}
	// What the variables say comes last, and wins.
	about, err := resource.New(ctx,
		resource.WithTelemetrySDK(),
		resource.WithAttributes(attribute.String("service.name", "chatroom"), attribute.String("service.version", c.Version)),
		resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("tracing: %w", errors.Join(err, exporter.Shutdown(ctx)))
	}
	// The sampler and the limits are those of the variables.
	t, err := New(sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithResource(about)))
	if err == nil {
		t.exporter = exporter
	}
	return t, err
}

func newExporter(ctx context.Context, protocol string) (sdk.SpanExporter, error) {
	if protocol == "grpc" {
		return otlptracegrpc.New(ctx)
	}
	return otlptracehttp.New(ctx)
}

// New returns a Tracing that creates spans with a provider.
func New(provider *sdk.TracerProvider) (*Tracing, error) {
	t := &Tracing{provider: provider, tracer: provider.Tracer(scope), propagator: propagation.TraceContext{}}
	t.flights.byEvent = make(map[eventKey]*flight)
	t.flights.tracer = t.tracer
	unary, err := otelconnect.NewInterceptor(
		otelconnect.WithTracerProvider(provider), otelconnect.WithPropagator(t.propagator), otelconnect.WithTrustRemote(), otelconnect.WithoutMetrics(),
		otelconnect.WithFilter(func(_ context.Context, spec connect.Spec) bool { return spec.StreamType == connect.StreamTypeUnary }))
	if err != nil {
		return nil, fmt.Errorf("tracing: %w", err)
	}
	t.unary = unary
	return t, nil
}

// Shutdown exports the spans that have ended, until ctx ends, and stops.
func (t *Tracing) Shutdown(ctx context.Context) error {
	if t == nil {
		return nil
	}
	err := t.provider.Shutdown(ctx)
	if err != nil && t.exporter != nil {
		// It may still wait for a receiver, and to try again.
		err = errors.Join(err, t.exporter.Shutdown(ctx))
	}
	return err
}

// Interceptors are for rpc.Config.
func (t *Tracing) Interceptors() []connect.Interceptor {
	if t == nil {
		return nil
	}
	return []connect.Interceptor{t.unary, streams{t}}
}
