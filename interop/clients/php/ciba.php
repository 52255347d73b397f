<?php
// The PHP form of the token request. The page uses PEAR's HTTP_Request2, which Debian does not
// package: it is used when it is on the include path, and PHP's own two ways to post a form always.
declare(strict_types=1);

$base = getenv('authPath') . '/' . getenv('envID');
$headers = [
    'Content-Type' => 'application/x-www-form-urlencoded',
    'Authorization' => 'Basic ' . base64_encode(getenv('appID') . ':' . getenv('appSecret')),
];
$lines = array_map(fn($name) => "$name: {$headers[$name]}", array_keys($headers));

$ways = [];
$ways['streams'] = function (string $url, array $form) use ($lines): array {
    $context = stream_context_create(['http' => [
        'method' => 'POST',
        'header' => $lines,
        'content' => http_build_query($form),
        'ignore_errors' => true,
        'timeout' => 10,
    ]]);
    $body = file_get_contents($url, false, $context);
    preg_match('~^HTTP/\S+ (\d+)~', $http_response_header[0], $status);
    return [(int) $status[1], (string) $body];
};
if (function_exists('curl_init')) {
    $ways['php-curl'] = function (string $url, array $form) use ($lines): array {
        $handle = curl_init($url);
        curl_setopt_array($handle, [
            CURLOPT_POSTFIELDS => http_build_query($form),
            CURLOPT_HTTPHEADER => $lines,
            CURLOPT_RETURNTRANSFER => true,
            CURLOPT_FOLLOWLOCATION => true,
            CURLOPT_TIMEOUT => 10,
        ]);
        $body = curl_exec($handle);
        return [curl_getinfo($handle, CURLINFO_RESPONSE_CODE), (string) $body];
    };
}
if (stream_resolve_include_path('HTTP/Request2.php') !== false) {
    require_once 'HTTP/Request2.php';
    $ways['HTTP_Request2'] = function (string $url, array $form) use ($headers): array {
        $request = new HTTP_Request2($url, HTTP_Request2::METHOD_POST, ['timeout' => 10, 'follow_redirects' => true]);
        $request->setHeader($headers);
        $request->addPostParameter($form);
        $response = $request->send();
        return [$response->getStatus(), $response->getBody()];
    };
}

foreach ($ways as $name => $post) {
    $call = function (string $path, array $form, int $want) use ($post, $base, $name): ?array {
        [$status, $body] = $post($base . $path, $form);
        if ($status !== $want) {
            throw new RuntimeException("$name: $path answered $status: $body");
        }
        return json_decode($body, true);
    };
    $started = $call('/as/cibaAuthorization', ['scope' => 'openid', 'login_hint' => getenv('cibaHint')], 200);
    $form = ['grant_type' => 'urn:openid:params:grant-type:ciba', 'auth_req_id' => $started['auth_req_id']];

    $waiting = $call('/as/token', $form, 400);
    if ($waiting['error'] !== 'authorization_pending') {
        throw new RuntimeException("$name: {$waiting['error']}");
    }
    $call("/simulator/answer?action=allow&auth_req_id={$started['auth_req_id']}", [], 204);
    usleep($started['interval'] * 1_000_000 + 200_000);

    $tokens = $call('/as/token', $form, 200);
    if ($tokens['token_type'] !== 'Bearer' || $tokens['expires_in'] !== 3600
        || substr_count($tokens['access_token'], '.') !== 2) {
        throw new RuntimeException("$name: " . json_encode($tokens));
    }
    echo "$name: tokens\n";
}
echo "OK\n";
