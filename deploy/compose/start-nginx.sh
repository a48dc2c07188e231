#!/bin/sh
# Makes the configuration of this machine from deploy/nginx, which is written for programs beside it, and starts nginx.
set -eu

sed -e "s/app\.example\.org/$HAR_APP_NAME/g" -e "s/api\.example\.org/$HAR_API_NAME/g" \
    -e 's/127\.0\.0\.1:8000/172.31.243.10:8000/' -e 's/127\.0\.0\.1:8501/172.31.243.11:8501/' \
    -e 's#/var/log/nginx/har\.log#/dev/stdout#' \
    /etc/har/har.conf > /etc/nginx/conf.d/har.conf
cp /etc/har/snippets/* /etc/nginx/snippets/
# Some engines pass every visitor on with an address of their own, which is a private one.
echo 'deny all;' > /etc/nginx/snippets/har-own-network.conf
exec nginx -g 'daemon off;'
